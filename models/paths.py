"""Name where the models' files are: weights, and, in a checkout, training data, caches and checkpoints."""

from pathlib import Path

WEIGHTS = Path(__file__).resolve().parent / "weights"  # ships in the wheel
ROOT = Path(__file__).resolve().parent.parent  # of the checkout
SHARED = ROOT.parent / "shared"  # training data; may be missing
DATA_CACHE = ROOT / "data_cache"
CHECKPOINTS = ROOT / "checkpoints"
