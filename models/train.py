"""Train what ships: `python -m models.train responder|songs|codec|ears|timbre|muting|timing|critic|readings
[options]`; --help after the name.
"""

from __future__ import annotations

import sys
from importlib import import_module

TRAINERS = {
    "responder": "models.training.responder",
    "songs": "models.training.songs.trainer",
    "codec": "models.training.codec",
    "ears": "models.training.ears",
    "timbre": "models.training.timbre",
    "muting": "models.training.muting.trainer",
    "timing": "models.training.timing",
    "critic": "models.training.critic",
    "readings": "models.training.readings.trainer",
}


def main(argv: list[str] | None = None) -> None:
    """Run the trainer of the model named first in argv with the options that follow."""
    args = sys.argv[1:] if argv is None else argv
    if not args or args[0] not in TRAINERS:
        sys.exit(f"usage: python -m models.train {'|'.join(TRAINERS)} [options]")
    import_module(TRAINERS[args[0]]).main(args[1:])


if __name__ == "__main__":
    main()
