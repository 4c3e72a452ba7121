"""The examples of what differs and what does not, which `tidegate replay` is held to as well."""

import json
import unittest
from pathlib import Path

from .compare import compare

FOLDER = Path(__file__).parents[3] / "schemas/samples/compare"


class Examples(unittest.TestCase):
    def test_each_gives_the_differences_that_it_names(self):
        files = sorted(FOLDER.glob("*.json"))
        self.assertGreater(len(files), 50)
        for file in files:
            with self.subTest(file.stem):
                it = json.loads(file.read_text())
                tolerances = it.get("tolerances", {})
                differences = compare(it["expected"], it["found"], **tolerances)
                places = sorted((each["field"], each["pointer"]) for each in differences)
                wanted = sorted((each["field"], each["pointer"]) for each in it["differences"])
                self.assertEqual(places, wanted)
                back = compare(it["found"], it["expected"], **tolerances)
                self.assertEqual(len(back), len(wanted))
                self.assertEqual(compare(it["expected"], it["expected"]), [])


class Differences(unittest.TestCase):
    def test_one_says_what_was_expected_and_what_was_found(self):
        expected = {"routes": [{"uri": "sip:a@b", "fr_timer": 2000}]}
        found = {"routes": [{"uri": "sip:a@b"}, {"uri": "sip:c@b"}]}
        self.assertEqual(
            compare(expected, found),
            [
                {"field": "fr_timer", "pointer": "/routes/0/fr_timer", "expected": 2000},
                {"field": "targets", "pointer": "/routes/1", "found": {"uri": "sip:c@b"}},
            ],
        )

    def test_true_is_not_1(self):
        self.assertEqual(len(compare({"tags": {"a": True}}, {"tags": {"a": 1}})), 1)


class NoTolerances(unittest.TestCase):
    def test_one_that_does_not_exist_is_refused_with_those_that_do(self):
        for tolerances, reason in [
            ({"ignore": ["tag"]}, 'no field "tag": .* there are action, ask_on'),
            ({"ignore": ["headers.add.x"]}, "there are append, from"),
            ({"ignore": ["uri.host"]}, 'no field "uri.host"'),
            ({"timers": {"fr": 5}}, 'no timer "fr"'),
        ]:
            with self.assertRaisesRegex(ValueError, reason):
                compare({}, {}, **tolerances)
        known = ["*", "*.set.x", "headers.*.x", "tags.a.b", "on_exhausted.on_exhausted.uri"]
        self.assertEqual(compare({}, {}, ignore=known), [])


if __name__ == "__main__":
    unittest.main()
