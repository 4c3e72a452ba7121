"""Changes to headers."""

from .report import escaped, given, listed
from .spelling import display, header_name, uri


def _by_name(entries):
    """Entries (name, value, pointer) as a dict from the name in one spelling to its values."""
    values = {}
    for name, value, pointer in entries:
        values.setdefault(header_name(str(name)), []).append((pointer, str(value).strip()))
    return values


def _pairs(headers, at):
    """Pairs of names and values, as `append` and the headers of a `reply` have them."""
    return [(*pair, f"{at}/{index}") for index, pair in enumerate(listed(headers))]


def _set(headers, at):
    entries = (headers.get("set") or {}).items()
    return _by_name((name, value, f"{at}/set/{escaped(name)}") for name, value in entries)


def _appended(headers, at):
    """`append` and behind it the lines of `extra`, which do the same."""
    lines = (given(headers.get("extra")) or "").split("\r\n")
    split = [line.partition(":") for line in lines if line]
    extra = [(name.rstrip(), value, f"{at}/extra") for name, _, value in split]
    return _by_name(_pairs(headers.get("append"), f"{at}/append") + extra)


def _removed(headers, at):
    names = enumerate(listed(headers.get("remove")))
    values = _by_name((name, name, f"{at}/remove/{index}") for index, name in names)
    return {name: each[:1] for name, each in values.items()}


def _plain(each):
    return None if each is None else [value for _, value in each]


def _shown(each):
    """One value as it is, several as a list."""
    if each is None:
        return None
    values = _plain(each)
    return (each[0][0], values[0] if len(values) == 1 else values)


def _compare_values(field, expected, found, report, spelling=_plain):
    for name in sorted(expected.keys() | found.keys()):
        one, two = expected.get(name), found.get(name)
        if spelling(one) != spelling(two):
            report.differ(f"{field}.{name}", _shown(one), _shown(two))


def compare_headers(expected, found, at, report):
    """Compares the changes of two targets; none at all is as good as nothing."""
    one, two = (f"{it}/headers" for it in at)
    for key in ("from", "to"):
        _compare_identity(key, expected, found, (one, two), report)
    removed = _removed(expected, one), _removed(found, two)
    _compare_values("headers.remove", *removed, report, spelling=bool)
    _compare_values("headers.set", _set(expected, one), _set(found, two), report)
    _compare_values("headers.append", _appended(expected, one), _appended(found, two), report)


def _compare_identity(key, expected, found, at, report):
    for part, spelling in (("display", display), ("uri", uri)):
        texts = [given((it.get(key) or {}).get(part)) for it in (expected, found)]
        one, two = (text and spelling(text) for text in texts)
        if one != two:
            shown = [text and (f"{it}/{key}/{part}", text) for it, text in zip(at, texts)]
            report.differ(f"headers.{key}", *shown, part=f"headers.{key}.{part}")


def compare_reply_headers(expected, found, at, report):
    """Headers of a `reply`."""
    one, two = (
        _by_name(_pairs(headers, f"{it}/headers")) for headers, it in zip((expected, found), at)
    )
    _compare_values("reply.headers", one, two, report)


def spelled_headers(headers):
    """All changes, in one spelling."""

    def identity(key):
        it = headers.get(key) or {}
        name, address = given(it.get("display")), given(it.get("uri"))
        return (name and display(name), address and uri(address))

    values = [
        sorted((name, _plain(each)) for name, each in part.items())
        for part in (_set(headers, ""), _appended(headers, ""))
    ]
    return repr([identity("from"), identity("to"), sorted(_removed(headers, "")), values])
