"""Make and read sound to learn from. Doors: bass_tones.py, ears_corpus.py, codec_sounds.py."""
