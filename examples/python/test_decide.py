"""The routing function, asked what was asked before.

Run with `python3 -m unittest` in this folder.
"""

import unittest
from pathlib import Path

from decide import decide
from tidegate_testing import assert_same, load_recording, replay

TARGETS = ("sip:127.0.0.1:5070", "sip:127.0.0.1:5071")
RECORDING = Path(__file__).parent.parent / "recording.jsonl"


class Decisions(unittest.TestCase):
    def test_it_decides_as_recorded(self):
        result = replay(
            load_recording(RECORDING),
            lambda event: decide(event, TARGETS),
            ignore=["headers.set.x-routed-by"],  # another application decided then
        )
        assert_same(result)


if __name__ == "__main__":
    unittest.main()
