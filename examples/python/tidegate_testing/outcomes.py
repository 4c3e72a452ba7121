"""`continue_on`, `stop_on` and `ask_on`: sets of outcomes."""

from .report import listed

KEYS = ("continue_on", "stop_on", "ask_on")


class Outcomes:
    """What one level of a document says of outcomes."""

    def __init__(self, level):
        self.words = {key: listed(level.get(key)) for key in KEYS}

    def __bool__(self):
        return any(self.words.values())

    def spelled(self):
        return "|".join(_spelled(self.words[key]) for key in KEYS)

    def compare(self, found, at, report):
        for key in KEYS:
            one, two = self.words[key], found.words[key]
            if _spelled(one) != _spelled(two):
                shown = [(f"{at}/{key}", words) if words else None for at, words in zip(at, (one, two))]
                report.differ(key, *shown)


def _spelled(words):
    """The words, without those that another one contains.

    A class contains its codes, and a code what the proxy makes of a silent or unreachable peer.
    """
    wider = {"timeout": ("408", "4xx"), "transport": ("503", "5xx")}

    def is_contained(word):
        others = wider.get(word, (f"{str(word)[:1]}xx",))
        return any(other in words for other in others if other != word)

    return " ".join(sorted({str(word) for word in words if not is_contained(word)}))
