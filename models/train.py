"""`python -m models.train responder|codec|ears|timbre|timing [options]`: trains what ships in models/weights; --help after the name."""

from __future__ import annotations

import sys
from importlib import import_module

TRAINERS = {
    "responder": "models.train_responder",
    "codec": "models.train_codec",
    "ears": "models.train_ears",
    "timbre": "models.train_timbre",
    "timing": "models.train_timing",
}


def main(argv: list[str] | None = None) -> None:
    """argv: the model's name, then its own options."""
    args = sys.argv[1:] if argv is None else argv
    if not args or args[0] not in TRAINERS:
        sys.exit(f"usage: python -m models.train {'|'.join(TRAINERS)} [options]")
    import_module(TRAINERS[args[0]]).main(args[1:])


if __name__ == "__main__":
    main()
