"""Read, split and keep songs as tokens. Doors: song.py (`Song`), build_corpus.py."""
