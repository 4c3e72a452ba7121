"""What differs between two route documents, by what they mean.

Not how they are written, but what the proxy would do. The same rules as those of `tidegate replay`,
and held to the same examples (schemas/samples/compare).
"""

from .headers import compare_reply_headers
from .report import Report, escaped, given, listed, same
from .routes import compare_routes
from .spelling import standard_reason, uri
from .tolerances import Tolerances

KINDS = ("progress", "answered", "failed", "ended")


def compare(expected, found, **tolerances):
    """Lists what `found` does differently from `expected`.

    compare(expected, found, ignore=["tags", "headers.set.x-trace"], timers={"fr_timer": 500})
    gives [{"field": "fr_timer", "pointer": "/routes/0/fr_timer", "expected": 2000, "found": 3000}].

    Tolerances: `ignore` (fields, with all that is below them; `*` stands for one part of a name),
    `timer_ms` (milliseconds by which any timer may differ), `timers` (the same for one of them),
    `any_order` (the order in which targets are tried does not count).
    """
    report = Report(Tolerances(**tolerances))
    _compare_documents(expected, found, report)
    return report.differences


def _compare_documents(expected, found, report):
    at = (report.base, report.base)
    actions = [{"action": document.get("action") or "route"} for document in (expected, found)]
    if actions[0] == actions[1]:
        _compare_actions(expected, found, at, report)
    else:
        report.value("action", at, *actions)
    report.value("context", at, expected, found)
    _compare_objects("tags", at, expected, found, report)
    report.value("record_route", at, expected, found)
    _compare_cache(at, _useful(expected.get("cache")), _useful(found.get("cache")), report)
    _compare_notify(at, expected, found, report)
    report.value("location", at, expected, found)


def _compare_actions(expected, found, at, report):
    """What belongs to an action alone is compared where both have that action."""
    compare_routes(expected, found, report)
    report.value("on_redirect", at, expected, found)
    report.timer("max_call_ms", at, expected, found)
    _compare_reply(at, expected, found, report)
    contacts = [listed(document.get("contacts")) for document in (expected, found)]
    _compare_contacts(at, *contacts, report)
    _compare_objects("attributes", at, expected, found, report)
    if expected.get("on_exhausted") and found.get("on_exhausted"):
        below = report.below()
        _compare_documents(expected["on_exhausted"], found["on_exhausted"], below)
        report.take(below)
    else:
        report.value("on_exhausted", at, expected, found)


def _compare_reply(at, expected, found, report):
    one, two = expected.get("reply"), found.get("reply")
    if not one or not two:
        report.value("reply", at, expected, found)
        return
    places = [f"{it}/reply" for it in at]

    def reason(reply):
        """The standard phrase of the code is as good as none."""
        text = (reply.get("reason") or "").strip()
        return "" if text == standard_reason(reply.get("code")) else text

    def text(key):
        return lambda reply: reply.get(key) or ""

    def part(key, spelling):
        values = [None if reply.get(key) == "" else reply.get(key) for reply in (one, two)]
        if values[0] != values[1] and spelling(one) != spelling(two):
            shown = [None if it is None else (f"{at}/{key}", it) for at, it in zip(places, values)]
            report.differ(f"reply.{key}", *shown)

    part("code", lambda reply: reply.get("code"))
    part("reason", reason)
    part("body", text("body"))
    part("content_type", lambda reply: text("content_type")(reply).strip())
    compare_reply_headers(one.get("headers"), two.get("headers"), places, report)


def _compare_contacts(at, expected, found, report):
    """The list of Contacts, in its order."""

    def spelled(contact):
        q = contact.get("q")
        return uri(str(contact.get("uri"))), None if q is None else round(q * 1000)

    common = min(len(expected), len(found))
    pairs = enumerate(zip(expected, found))
    first = next((at for at, (one, two) in pairs if spelled(one) != spelled(two)), common)
    if first == len(expected) == len(found):
        return

    def shown(contacts, at):
        if first < common:
            return (f"{at}/contacts/{first}", contacts[first])
        return (f"{at}/contacts", contacts[first:]) if first < len(contacts) else None

    report.differ("contacts", shown(expected, at[0]), shown(found, at[1]))


def _compare_objects(field, at, expected, found, report):
    """Objects key by key; an empty one is absent."""
    one, two = expected.get(field) or {}, found.get(field) or {}
    for key in sorted(one.keys() | two.keys()):
        if key in one and key in two and same(one[key], two[key]):
            continue
        shown = [
            (f"{at}/{field}/{escaped(key)}", values[key]) if key in values else None
            for at, values in zip(at, (one, two))
        ]
        report.differ(field, *shown, part=f"{field}.{key}")


def _useful(cache):
    """A decision that is kept for no time is not kept."""
    lasts = cache and (cache.get("ttl_ms") or cache.get("stale_if_error_ms"))
    return cache if lasts else None


def _compare_cache(at, one, two, report):
    if not one or not two:
        report.value("cache", at, {"cache": one}, {"cache": two})
        return

    def keys(words):
        return {word.lower() if word.startswith("header:") else word for word in words}

    def part(key, spelling, values):
        if spelling(values[0]) != spelling(values[1]):
            shown = [(f"{it}/cache/{key}", value) for it, value in zip(at, values)]
            report.differ("cache", *shown, part=f"cache.{key}")

    part("ttl_ms", int, [cache.get("ttl_ms") or 0 for cache in (one, two)])
    part("key", keys, [listed(cache.get("key")) for cache in (one, two)])
    part("stale_if_error_ms", int, [cache.get("stale_if_error_ms") or 0 for cache in (one, two)])


def _compare_notify(at, expected, found, report):
    """All kinds when absent."""

    def wanted(document):
        kinds = document.get("notify")
        return set(KINDS if kinds is None else kinds)

    if wanted(expected) != wanted(found):
        report.value("notify", at, expected, found)
