"""What may differ without being a difference."""

TIMERS = ("fr_inv_timer", "fr_timer", "max_call_ms")

# All fields and what is below them: nothing, names of one's own (ANY), or more fields.
ANY = object()
IDENTITY = {"display": None, "uri": None}
FIELDS = {
    "action": None,
    "ask_on": None,
    "attributes": ANY,
    "branch_flags": None,
    "cache": {"key": None, "stale_if_error_ms": None, "ttl_ms": None},
    "contacts": None,
    "context": None,
    "continue_on": None,
    "dst_uri": None,
    "fr_inv_timer": None,
    "fr_timer": None,
    "headers": {"append": ANY, "from": IDENTITY, "remove": ANY, "set": ANY, "to": IDENTITY},
    "location": None,
    "max_call_ms": None,
    "notify": None,
    "on_redirect": None,
    "order": None,
    "path": None,
    "record_route": None,
    "reply": {"body": None, "code": None, "content_type": None, "headers": ANY, "reason": None},
    "routing": None,
    "socket": None,
    "stop_on": None,
    "tags": ANY,
    "targets": None,
    "uri": None,
}
FIELDS["on_exhausted"] = FIELDS


class Tolerances:
    """Checked, so that a misspelled field does not pass for one that is ignored."""

    def __init__(self, ignore=(), timer_ms=0, timers=None, any_order=False):
        for field in ignore:
            _check(field, field.lower().split("."), FIELDS)
        for timer in timers or {}:
            if timer not in TIMERS:
                raise ValueError(f'no timer "{timer}": there are {", ".join(TIMERS)}')
        self.ignore = [field.lower().split(".") for field in ignore]
        self.timer_ms, self.timers, self.any_order = timer_ms, timers or {}, any_order

    def of_timer(self, name):
        return self.timers.get(name, self.timer_ms)

    def ignores(self, field):
        """A field is ignored with all below it, in what follows by `on_exhausted` too."""
        parts = innermost = field.lower().split(".")
        while innermost[0] == "on_exhausted" and len(innermost) > 1:
            innermost = innermost[1:]
        return any(_covers(pattern, it) for pattern in self.ignore for it in (parts, innermost))


def _covers(pattern, parts):
    return len(pattern) <= len(parts) and all(
        wanted in ("*", part) for wanted, part in zip(pattern, parts)
    )


def _check(field, parts, known):
    first, *rest = parts
    names = [name for name in known if first in ("*", name)]
    if any(_fits(field, rest, known[name], first == "*") for name in names):
        return
    there_are = ", ".join(sorted(known))
    raise ValueError(f'no field "{field}": instead of "{first}" there are {there_are}')


def _fits(field, rest, below, is_one_of_many):
    if below is ANY or not rest:
        return True
    if below is None:
        return False
    try:
        _check(field, rest, below)
    except ValueError:
        if not is_one_of_many:
            raise
        return False
    return True
