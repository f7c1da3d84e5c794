"""Says what each part may play to a bar of bass: chords and their voicings, grooves and fills, comping, motifs.

Start with: bass_bar.py (`BassBar`), drum_groove.py (`Groove`), bar_chords.py (`ChordAt`).
"""
