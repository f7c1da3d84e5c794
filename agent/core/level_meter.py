"""Defines how levels are shown on a terminal: what counts as silence, the meter's range and its colours."""

from __future__ import annotations

SILENCE_DB = -120.0


METER_DB = (-60.0, 0.0)


LEVEL_STYLES = ((-3.0, "red"), (-12.0, "yellow"), (float("-inf"), "green"))
