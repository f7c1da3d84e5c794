"""Takes exceptions out of a change: "the drums down, but not the kick" becomes one edit for each other part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.directions.edit import Edit

HOLDS = {  # target -> the parts that it stands for
    "drums": ("kick", "snare", "hat", "ride", "toms", "cymbals", "percussion"),
    "band": ("drums", "harmony", "line"),
    "feel": ("drums", "harmony", "line"),
    "form": ("drums", "harmony", "line"),
}


def without_exceptions(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Return edits in which those of a whole are told for its parts, less the parts that another one keeps."""
    kept = [edit for edit in edits if edit.change == "keep"]
    out: list[Edit] = []
    for edit in edits:
        excepted = {k.target for k in kept if k.dimension == edit.dimension and k.target != edit.target}
        out += [edit] if edit.change == "keep" else _parts(edit, excepted)
    return tuple(out)


def _parts(edit: Edit, excepted: set[str]) -> list[Edit]:
    inside = HOLDS.get(edit.target, ())
    if not any(part in excepted or excepted & set(HOLDS.get(part, ())) for part in inside):
        return [edit]
    return [one for part in inside if part not in excepted for one in _parts(replace(edit, target=part), excepted)]
