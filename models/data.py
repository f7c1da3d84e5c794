"""`python -m models.data`: build the token files that the responder learns from (models/corpus/build_corpus.py)."""

import sys

from models.corpus.build_corpus import main

if __name__ == "__main__":
    sys.exit(main())
