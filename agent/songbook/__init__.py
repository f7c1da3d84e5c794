"""Keeps songs: named sections with their riff, chords, groove, mix and tempo, an order, a set list; reads chord charts.

Start with: book.py (`Songbook`), song_file.py (`Song`, `saved`), chart.py (`song_of`).
"""
