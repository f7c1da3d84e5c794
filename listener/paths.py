"""Name where the listener's files are."""

from pathlib import Path

WEIGHTS = Path(__file__).resolve().parent / "weights"  # ships in the wheel
