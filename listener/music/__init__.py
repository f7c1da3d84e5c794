"""Key, chord, phrase, form, motif and feel from notes. Doors: harmony.py, key.py, phrase.py, form.py."""
