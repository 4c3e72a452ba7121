"""What differs between the routes of two documents.

Both are brought into one form, in which what is tried in the same way looks the same; then it is
found which target of one is which of the other.
"""

from dataclasses import dataclass, field, replace

from .headers import compare_headers, spelled_headers
from .outcomes import Outcomes
from .report import given, listed
from .spelling import path, socket, uri

# Pairs that are looked at for what they have in common; beyond that the order decides.
MOST_LOOKS = 4096


@dataclass
class Group:
    """What is tried as one; `at` is where `routing` and `routes` stand."""

    at: str
    routing: str
    nodes: list = field(default_factory=list)


@dataclass
class Node:
    """A target or a group, and where it stands."""

    at: str
    value: dict
    outcomes: Outcomes
    target: dict | None = None
    group: Group | None = None


def compare_routes(expected, found, report):
    """Compares all routes.

    Where one document has around all its routes a group that the other one does without, the reading
    with fewer differences is meant.
    """
    one, two = _root(expected, report.base), _root(found, report.base)
    readings = []
    for left, right in ((one, two), (_only_group(one), two), (one, _only_group(two))):
        if left and right:
            reading = report.another()
            _compare_nodes(left, right, reading)
            readings.append(reading)
    report.take(min(readings, key=lambda reading: len(reading.differences)))


# ---- the form


def _root(document, at):
    group = _group(document, at)
    # A group of one is its member: here the document is the group.
    while len(group.nodes) == 1 and group.nodes[0].group and not group.nodes[0].outcomes:
        group = group.nodes[0].group
    return Node(at, document, Outcomes(document), group=group)


def _node(route, at):
    if isinstance(route.get("routes"), list):
        return Node(at, route, Outcomes(route), group=_group(route, at))
    return Node(at, route, Outcomes(route), target=route)


def _group(level, at):
    group = Group(at, "parallel" if level.get("routing") == "parallel" else "serial")
    for index, route in enumerate(listed(level.get("routes"))):
        _add(group, _node(route, f"{at}/routes/{index}"))
    return group


def _add(group, node):
    """A group that is tried as its members would be without it is no group."""
    inside = node.group.nodes if node.group and not node.outcomes else []
    if len(inside) == 1 or (inside and node.group.routing == group.routing):
        for inner in inside:
            _add(group, inner)
    else:
        group.nodes.append(node)


def _only_group(node):
    """The only member, where that is a group that says what outcomes lead to and this one does not."""
    nodes = node.group.nodes
    return nodes[0] if len(nodes) == 1 and nodes[0].group and not node.outcomes else None


def _only_target(node):
    """The only target, with what outcomes lead to, where only one of both says that."""
    if node.target is not None:
        return node
    only = _only_target(node.group.nodes[0]) if len(node.group.nodes) == 1 else None
    if only is None or not node.outcomes:
        return only
    return None if only.outcomes else replace(only, outcomes=node.outcomes)


def _into_group(node):
    if node.group:
        return node
    return Node(node.at, node.value, Outcomes({}), group=Group(node.at, "serial", [node]))


# ---- what is said, in one spelling


def _spelled_text(target, key, spelling):
    text = given(target.get(key))
    return "-" if text is None else spelling(text)


def _place(target):
    return f"{_spelled_text(target, 'uri', uri)} {_spelled_text(target, 'dst_uri', uri)}"


def _places(node):
    if node.target is not None:
        return [_place(node.target)]
    return [place for inner in node.group.nodes for place in _places(inner)]


def _destination(node):
    if node.target is not None:
        return _place(node.target)
    return f"group {' '.join(sorted(_places(node)))}"


def _spelled(node):
    only = _only_target(node)
    if only:
        target = only.target
        parts = [
            _place(target),
            _spelled_text(target, "path", path),
            _spelled_text(target, "socket", socket),
            spelled_headers(target.get("headers") or {}),
            *(repr(target.get(key)) for key in ("branch_flags", "fr_timer", "fr_inv_timer")),
            only.outcomes.spelled(),
        ]
        return " ".join(parts)
    inside = [_spelled(inner) for inner in node.group.nodes]
    if node.group.routing == "parallel":
        inside.sort()
    return f"{node.group.routing}{node.outcomes.spelled()}({','.join(inside)})"


def _label(node):
    if node.group:
        return [_label(inner) for inner in node.group.nodes]
    return given(node.target.get("uri")) or given(node.target.get("dst_uri"))


# ---- comparing


def _compare_nodes(expected, found, report):
    if expected.target is not None and found.target is not None:
        _compare_targets(expected.target, found.target, (expected.at, found.at), report)
        expected.outcomes.compare(found.outcomes, (expected.at, found.at), report)
    elif expected.group and found.group:
        _compare_groups(expected, found, report)
    else:
        one, two = _only_target(expected), _only_target(found)
        if one and two:
            _compare_nodes(one, two, report)
        else:
            _compare_nodes(_into_group(expected), _into_group(found), report)


def _compare_targets(expected, found, at, report):
    report.text("uri", at, expected, found, uri)
    report.text("dst_uri", at, expected, found, uri)
    report.text("path", at, expected, found, path)
    report.text("socket", at, expected, found, socket)
    compare_headers(expected.get("headers") or {}, found.get("headers") or {}, at, report)
    report.value("branch_flags", at, expected, found)
    report.timer("fr_timer", at, expected, found)
    report.timer("fr_inv_timer", at, expected, found)


def _compare_groups(expected, found, report):
    expected.outcomes.compare(found.outcomes, (expected.at, found.at), report)
    one, two = expected.group, found.group
    if len(one.nodes) > 1 and len(two.nodes) > 1:
        routing = {"routing": one.routing}, {"routing": two.routing}
        report.value("routing", (one.at, two.at), *routing)
    is_serial = one.routing == two.routing == "serial"
    _compare_members(one, two, is_serial and not report.tolerances.any_order, report)


def _compare_members(one, two, in_order, report):
    pairs = _pair(one.nodes, two.nodes, in_order)
    found = list(pairs.values())
    if in_order and found != sorted(found):
        report.differ(
            "order",
            (f"{one.at}/routes", [_label(one.nodes[index]) for index in pairs]),
            (f"{two.at}/routes", [_label(two.nodes[index]) for index in sorted(found)]),
        )
    for left, right in pairs.items():
        _compare_nodes(one.nodes[left], two.nodes[right], report)
    for index, node in enumerate(one.nodes):
        if index not in pairs:
            report.differ("targets", (node.at, node.value), None)
    for index, node in enumerate(two.nodes):
        if index not in found:
            report.differ("targets", None, (node.at, node.value))


# ---- which target is which: first those that say the same, then those that lead to the same place,
# then those between the same neighbours


def _pair(expected, found, in_order):
    """A dict from the index of each expected node to that of the one that was found."""
    pairs, taken = {}, {}

    def join(one, two):
        pairs[one], taken[two] = two, one

    for key in (_spelled, _destination):
        waiting = {}
        for index in reversed(range(len(found))):
            if index not in taken:
                waiting.setdefault(key(found[index]), []).append(index)
        for index, node in enumerate(expected):
            if index not in pairs and (others := waiting.get(key(node))):
                join(index, others.pop())
    for left, right in _gaps(expected, found, pairs, taken, in_order):
        if len(left) * len(right) <= MOST_LOOKS:
            for one in left:
                free = (two for two in right if two not in taken)
                if (two := next((it for it in free if _related(expected[one], found[it])), None)) is not None:
                    join(one, two)
        rest = [two for two in right if two not in taken]
        for one, two in zip([one for one in left if one not in pairs], rest):
            join(one, two)
    return dict(sorted(pairs.items()))


def _gaps(expected, found, pairs, taken, in_order):
    """What is still alone, by the pair that stands before it. Without order there is one gap."""
    gaps = {}

    def gap(before):
        return gaps.setdefault(before if in_order else -1, ([], []))

    before = -1
    for index in range(len(expected)):
        if index in pairs:
            before = index
        else:
            gap(before)[0].append(index)
    before = -1
    for index in range(len(found)):
        if index in taken:
            before = taken[index]
        else:
            gap(before)[1].append(index)
    return list(gaps.values())


def _related(one, two):
    """Whether both have a place in common that they lead to."""
    if one.target is not None and two.target is not None:
        return any(
            given(one.target.get(key))
            and _spelled_text(one.target, key, uri) == _spelled_text(two.target, key, uri)
            for key in ("uri", "dst_uri")
        )
    return not set(_places(one)).isdisjoint(_places(two))
