"""Songs as tokens: read, split, kept. Doors: song.py (`Song`), build_corpus.py."""
