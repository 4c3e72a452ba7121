"""Collecting differences."""


class Report:
    """The differences of one document, and of those that follow it."""

    def __init__(self, tolerances, prefix="", base=""):
        self.tolerances = tolerances
        self.prefix, self.base = prefix, base
        self.differences = []

    def another(self):
        """An empty one for the same document."""
        return Report(self.tolerances, self.prefix, self.base)

    def below(self):
        """One for the document that follows."""
        return Report(self.tolerances, self.prefix + "on_exhausted.", self.base + "/on_exhausted")

    def take(self, other):
        self.differences += other.differences

    def differ(self, field, expected, found, part=None):
        """Reports a difference of two (pointer, value); None for nothing.

        `part` is a part of the field, by which it can be ignored too.
        """
        if self.tolerances.ignores(self.prefix + (part or field)):
            return
        difference = {"field": self.prefix + field, "pointer": (expected or found)[0]}
        if expected:
            difference["expected"] = expected[1]
        if found:
            difference["found"] = found[1]
        self.differences.append(difference)

    def value(self, key, at, expected, found):
        """Compares what stands under a key in both."""
        one, two = expected.get(key), found.get(key)
        if not same(one, two):
            self.differ(key, place(one, at[0], key), place(two, at[1], key))

    def text(self, key, at, expected, found, spelling):
        """Compares texts by their one spelling; an empty one is absent."""
        one, two = (None if it.get(key) == "" else it.get(key) for it in (expected, found))
        if isinstance(one, str) and isinstance(two, str) and spelling(one) == spelling(two):
            return
        self.value(key, at, {key: one}, {key: two})

    def timer(self, key, at, expected, found):
        """Compares timers, which may differ a little."""
        one, two = expected.get(key), found.get(key)
        are_numbers = all(isinstance(it, (int, float)) for it in (one, two))
        if not are_numbers or abs(one - two) > self.tolerances.of_timer(key):
            self.value(key, at, expected, found)


def place(value, at, key):
    """Where a value stands, and the value; None where there is none."""
    return None if value is None else (f"{at}/{escaped(key)}", value)


def escaped(token):
    """One step of a JSON Pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def same(one, two):
    """JSON by value: 1 is 1.0, and not true."""
    if isinstance(one, bool) != isinstance(two, bool):
        return False
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def given(text):
    """A text that is there; an empty one is absent."""
    return text if isinstance(text, str) and text else None


def listed(value):
    return value if isinstance(value, list) else []
