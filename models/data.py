"""Build the token files that the responder learns from: `python -m models.data` (see models/corpus/build_corpus.py)."""

import sys

from models.corpus.build_corpus import main

if __name__ == "__main__":
    sys.exit(main())
