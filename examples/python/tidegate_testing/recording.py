"""Recorded decisions: reading them, and asking a routing function the same questions again."""

import asyncio
import copy
import inspect
import json
import os
import traceback
from collections import Counter
from dataclasses import dataclass, field

from .compare import compare
from .tolerances import Tolerances


@dataclass
class Recording:
    """Consultations in order of time, each with its `file` and `line`.

    `warnings` has what was passed over: a last line that a crash cut off.
    """

    consultations: list = field(default_factory=list)
    warnings: list = field(default_factory=list)


@dataclass
class Result:
    """What came of asking again.

    `differing` has a dict for each decision that differs: consultation, document, error, differences.
    """

    asked: int
    skipped: int
    differing: list = field(default_factory=list)

    def __str__(self):
        return describe(self)


def load_recording(*paths):
    """Reads one or several recordings into memory.

    Raises ValueError at a line that is none of a recording, and says which.
    """
    recording, ended = Recording(), {}
    for path in paths:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as lines:
            for number, text in enumerate(lines, 1):
                if not text.strip():
                    continue
                line = _read_line(text, os.fspath(path), number)
                if line is None:
                    recording.warnings.append(f"{path}, line {number}: cut off and passed over")
                elif line["type"] == "ended":
                    ended[line["call"]] = line["duration_ms"]
                else:
                    recording.consultations.append(line)
    for consultation in recording.consultations:
        if consultation.get("outcome") and consultation["call"] in ended:
            consultation["outcome"].setdefault("duration_ms", ended[consultation["call"]])
    recording.consultations.sort(key=lambda consultation: consultation["time_ms"])
    return recording


def _read_line(text, path, number):
    what = f"{path}, line {number}: no line of a recording"
    try:
        line = json.loads(text)
    except ValueError as error:
        if not text.endswith("\n"):
            return None
        raise ValueError(f"{what}: {error}") from None
    kind = line.get("type") if isinstance(line, dict) else None
    if kind not in ("consultation", "ended"):
        kind = json.dumps(kind)
        raise ValueError(f'{what}: its type is {kind}, not "consultation" or "ended"')
    return line | {"file": path, "line": number}


def replay(recording, route, *, where=None, **tolerances):
    """Asks `route(event)` each recorded question that an application answered, and compares.

    `route` may be async. `where(consultation)` says which are asked; the other arguments are the
    tolerances of `compare`. Where an event loop runs already, use `replay_async`.
    """
    with asyncio.Runner() as runner:

        def answer(awaitable):
            async def wait():
                return await awaitable

            return runner.run(wait())

        result, wanted = _begin(recording, where, tolerances)
        for consultation in wanted:
            try:
                document = route(_question(consultation))
                document = answer(document) if inspect.isawaitable(document) else document
                _judge(result, consultation, document, tolerances)
            except Exception as error:  # whatever it raises is what differs
                _failed(result, consultation, error)
        return result


async def replay_async(recording, route, *, where=None, **tolerances):
    """The same as `replay`, for tests that are async themselves."""
    result, wanted = _begin(recording, where, tolerances)
    for consultation in wanted:
        try:
            document = route(_question(consultation))
            document = await document if inspect.isawaitable(document) else document
            _judge(result, consultation, document, tolerances)
        except Exception as error:  # whatever it raises is what differs
            _failed(result, consultation, error)
    return result


def _begin(recording, where, tolerances):
    Tolerances(**tolerances)  # one that does not exist is to be found without any decision
    wanted = [
        it
        for it in recording.consultations
        if it.get("document") and it["cause"] == "answered" and (where is None or where(it))
    ]
    return Result(len(wanted), len(recording.consultations) - len(wanted)), wanted


def _question(consultation):
    return copy.deepcopy(consultation["event"])


def _judge(result, consultation, document, tolerances):
    if not isinstance(document, dict):
        raise TypeError(f"it gave {document!r} instead of a route document")
    differences = compare(consultation["document"], document, **tolerances)
    if differences:
        result.differing.append(
            {"consultation": consultation, "document": document, "error": None, "differences": differences}
        )


def _failed(result, consultation, error):
    result.differing.append(
        {"consultation": consultation, "document": None, "error": error, "differences": []}
    )


def describe(result, most=10):
    """What a result says, for people: how many differ in which field, and the first ones one by one."""
    if not result.differing:
        return f"all {result.asked} decisions are the same"
    counts = Counter()
    for one in result.differing:
        counts.update({"error"} if one["error"] else {it["field"] for it in one["differences"]})
    by_count = sorted(counts.items(), key=lambda it: (-it[1], it[0]))
    fields = ", ".join(f"{name} {count}" for name, count in by_count)
    head = f"{len(result.differing)} of {result.asked} decisions differ: {fields}"
    blocks = [_describe_one(one) for one in result.differing[:most]]
    more = [f"and {len(result.differing) - most} more"] if len(result.differing) > most else []
    return "\n\n".join([head, *blocks, *more])


def _describe_one(one):
    consultation, error = one["consultation"], one["error"]
    request = consultation["event"]["request"]
    lines = [
        f"{consultation['file']}, line {consultation['line']}: {request['method']} {request['uri']}"
        f" from {request['from']['uri']}, call {consultation['call']}"
    ]
    if error:
        text = "".join(traceback.format_exception(error)).rstrip()
        lines += [f"  {line}" for line in text.split("\n")]
    for it in one["differences"]:
        lines.append(f"  {it['field']} ({it['pointer']})")
        lines += [f"    {side:8} {_shown(it, side)}" for side in ("expected", "found")]
    return "\n".join(lines)


def _shown(difference, side):
    return json.dumps(difference[side], ensure_ascii=False) if side in difference else "nothing"


def assert_same(result):
    """Fails with what differs unless every decision is as recorded.

    A recording in which there is nothing to ask proves nothing, and fails too.
    """
    if not result.asked:
        raise AssertionError(f"no decision to compare: {result.skipped} consultations were skipped")
    if result.differing:
        raise AssertionError(describe(result))
