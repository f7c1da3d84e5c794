"""Build the token files that the responder learns from: `python -m models.data` (see models/corpus/build_corpus.py),
`python -m models.data --songs` the corpus of whole songs (models/corpus/whole_songs.py).
"""

import argparse
import sys
from pathlib import Path

from models.corpus import build_corpus, whole_songs
from models.paths import SHARED
from models.timing import groove_dataset, hydrogen_patterns

HYDROGEN = Path("data", "drums", "hydrogen-patterns.tar.xz")


def main() -> int:
    """Run one of the builders and return its exit code: 2 after a mistake in the arguments, explained in one line."""
    if "--songs" not in sys.argv[1:]:
        return build_corpus.main()
    parser = argparse.ArgumentParser(prog="python -m models.data --songs", description=whole_songs.__doc__)
    parser.add_argument("--songs", action="store_true", help="build the corpus of whole songs")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/ and band_score/")
    parser.add_argument("--folder", type=Path, default=whole_songs.FOLDER, help="the folder to write to")
    args = parser.parse_args()
    try:
        drums = groove_dataset.groove_songs(archive=groove_dataset.archive_in(args.shared))
        drums += list(hydrogen_patterns.songs(args.shared / HYDROGEN))
        whole_songs.build(args.shared, drums, args.folder)
    except (ValueError, OSError) as mistake:
        print(f"models.data: {mistake}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
