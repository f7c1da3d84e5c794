"""Says edits as a musician would: "the snare down", "a little further behind the beat"."""

from __future__ import annotations

from collections.abc import Iterable

from agent.directions.edit import Edit
from agent.language.reply_text import said

SIZES = {None: "", "small": "a little", "large": "a lot"}


AFTER = ("up", "down", "out", "back in")  # words that a size comes after


WHERE = {"until-told": "", "bar:last": " in the last bar"}


MORE = "band: more level"  # what reply_text.said returns for a plain edit, before its place


SAID = {  # (dimension, change) -> what happens to the target; after "=" the target is left out
    ("level", "more"): "up",
    ("level", "less"): "down",
    ("timing", "less"): "further behind the beat",
    ("timing", "more"): "further ahead of the beat",
    ("density", "more"): "busier",
    ("density", "less"): "sparser",
    ("register", "more"): "higher",
    ("register", "less"): "lower",
    ("dissonance", "more"): "=more dissonance",
    ("dissonance", "less"): "=less dissonance",
    ("resolution", "off"): "=no resolution",
    ("resolution", "on"): "=it resolves",
    ("swing", "more"): "more swung",
    ("swing", "less"): "straighter",
    ("syncopation", "more"): "more off the beat",
    ("syncopation", "less"): "squarer",
    ("meter", "set"): "={value}",
    ("key", "set"): "=in {value}",
    ("pattern", "set"): "={value} on the {target}",
    ("mute", "on"): "out",
    ("mute", "off"): "back in",
    ("brightness", "more"): "brighter",
    ("brightness", "less"): "darker",
    ("tempo", "more"): "faster",
    ("tempo", "less"): "slower",
}


def describe_edits(edits: Iterable[Edit]) -> tuple[str, ...]:
    """Return the edits as a musician would say them; equal ones once."""
    return tuple(dict.fromkeys(describe_edit(edit) for edit in edits))


def describe_edit(edit: Edit) -> str:
    """Return an edit such as 'the snare down', '7/8 in bar 3', 'a little further behind the beat'."""
    known = SAID.get((edit.dimension, edit.change))
    if known is None or edit.size not in SIZES or edit.condition:
        return said(edit)
    way, size = (
        known.removeprefix("=").format(value=(edit.value or "").replace("-", " "), target=edit.target),
        SIZES[edit.size],
    )
    sized = f"{way} {size}" if way in AFTER else f"{size} {way}"
    whole = known[0] == "=" or edit.target in ("feel", "band", "form")
    line = (sized if whole else f"the {edit.target} {sized.strip()}").strip()
    return line + WHERE.get(edit.scope or "", said(Edit("band", "level", "more", scope=edit.scope))[len(MORE) :])
