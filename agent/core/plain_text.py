"""Shows text that came from somewhere else, without what a terminal would act on."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text with what a terminal would act on written out: \\x1b for an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
