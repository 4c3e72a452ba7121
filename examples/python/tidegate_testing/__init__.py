"""Tests of a routing function with recorded decisions: what would it say to last week's questions?

    import unittest
    from tidegate_testing import assert_same, load_recording, replay

    class Decisions(unittest.TestCase):
        def test_decides_as_recorded(self):
            assert_same(replay(load_recording("decisions.jsonl"), decide))

A recording is what `[recording]` of the proxy's configuration writes: a line of JSON for each
consultation. It needs nothing but Python 3.11, and works with pytest as well.
"""

from .compare import compare
from .recording import Recording, Result, assert_same, load_recording, replay, replay_async

__all__ = [
    "Recording",
    "Result",
    "assert_same",
    "compare",
    "load_recording",
    "replay",
    "replay_async",
]
