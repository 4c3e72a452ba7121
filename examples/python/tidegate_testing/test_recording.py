import tempfile
import unittest
from pathlib import Path

from . import assert_same, load_recording, replay, replay_async
from .recording import describe

FILE = Path(__file__).parents[2] / "recording.jsonl"
FIRST, SECOND = FILE.read_text().split("\n")[:2]
DECIDED = {it["event"]["id"]: it["document"] for it in load_recording(FILE).consultations}


def as_recorded(event):
    return DECIDED[event["id"]]


def changed(event):
    document = as_recorded(event)
    if not event["request"]["uri"].startswith("sip:201@"):
        return document
    first, second = document["routes"]
    return document | {"routes": [first | {"fr_timer": 3000}, second]}


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def written(self, name, *lines):
        (self.folder / name).write_bytes("\n".join(lines).encode())
        return self.folder / name

    def test_a_recording_is_read_with_the_durations_of_its_calls(self):
        recording = load_recording(FILE)
        lines = [it["line"] for it in recording.consultations]
        self.assertEqual(lines, [1, 2, 3, 4, 5, 6])
        durations = [it["outcome"].get("duration_ms") for it in recording.consultations]
        self.assertEqual(durations, [92790, 60860, None, None, None, None])
        self.assertEqual(recording.warnings, [])

    def test_several_files_are_read_in_order_of_time(self):
        recording = load_recording(self.written("1", SECOND), self.written("2", FIRST))
        times = [it["time_ms"] % 10000 for it in recording.consultations]
        self.assertEqual(times, [5000, 6200])

    def test_a_last_line_that_is_cut_off_is_a_warning_and_any_other_wrong_line_an_error(self):
        cut = load_recording(self.written("cut", FIRST + "\r", "", SECOND[:99]))
        self.assertEqual(len(cut.consultations), 1)
        self.assertRegex(cut.warnings[0], "line 3: cut off")
        with self.assertRaisesRegex(ValueError, "junk, line 2: no line of a recording"):
            load_recording(self.written("junk", FIRST, "junk", SECOND))
        with self.assertRaisesRegex(ValueError, 'line 2: .* type is "x"'):
            load_recording(self.written("other", FIRST, '{"type":"x"}', SECOND))


class Replays(unittest.TestCase):
    def test_only_what_an_application_decided_is_asked(self):
        result = replay(load_recording(FILE), as_recorded)
        self.assertEqual((result.asked, result.skipped, result.differing), (5, 1, []))
        nines = replay(
            load_recording(FILE),
            as_recorded,
            where=lambda it: it["event"]["request"]["uri"].startswith("sip:9"),
        )
        self.assertEqual(nines.asked, 1)

    def test_what_differs_is_told_with_its_field_both_values_the_question_and_the_call(self):
        result = replay(load_recording(FILE), changed)
        self.assertEqual(
            str(result).replace(str(FILE), "FILE").split("\n"),
            [
                "1 of 5 decisions differ: fr_timer 1",
                "",
                "FILE, line 2: INVITE sip:201@example.com from sip:bob@example.com,"
                " call 5e1f9a02-00000002-000001c3",
                "  fr_timer (/routes/0/fr_timer)",
                "    expected 2000",
                "    found    3000",
            ],
        )
        with self.assertRaisesRegex(AssertionError, "1 of 5 decisions differ: fr_timer 1"):
            assert_same(result)
        assert_same(replay(load_recording(FILE), changed, timers={"fr_timer": 1000}))

    def test_an_async_routing_function_is_asked_likewise(self):
        async def decide(event):
            return changed(event)

        self.assertEqual(len(replay(load_recording(FILE), decide).differing), 1)

    def test_a_routing_function_that_fails_or_gives_no_document_differs(self):
        def fails(event):
            raise KeyError("no database")

        failed = replay(load_recording(FILE), fails)
        self.assertRegex(str(failed), r"(?s)5 of 5 decisions differ: error 5.*no database")
        nothing = replay(load_recording(FILE), lambda event: None)
        text = describe(nothing, most=1)
        self.assertRegex(text, r"(?s)it gave None instead of a route document.*and 4 more")

    def test_a_routing_function_may_do_with_an_event_what_it_likes(self):
        recording = load_recording(FILE)

        def decide(event):
            event["request"]["uri"] = "changed"
            return {}

        replay(recording, decide)
        first = recording.consultations[0]["event"]["request"]["uri"]
        self.assertEqual(first, "sip:101@example.com")

    def test_where_there_is_nothing_to_ask_nothing_is_proved(self):
        result = replay(load_recording(FILE), as_recorded, where=lambda it: False)
        with self.assertRaisesRegex(AssertionError, "no decision to compare: 6 consultations"):
            assert_same(result)


class AsyncReplays(unittest.IsolatedAsyncioTestCase):
    async def test_where_an_event_loop_runs_it_is_used(self):
        async def decide(event):
            return changed(event)

        result = await replay_async(load_recording(FILE), decide)
        self.assertEqual([it["differences"][0]["found"] for it in result.differing], [3000])
        self.assertEqual((await replay_async(load_recording(FILE), as_recorded)).differing, [])


if __name__ == "__main__":
    unittest.main()
