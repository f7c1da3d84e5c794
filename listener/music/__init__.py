"""Find key, chords, phrases, form, motifs and feel in notes. Doors: harmony.py, key.py, phrase.py, form.py."""
