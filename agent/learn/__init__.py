"""Learns from music of the player's own, and passes on what was learned of them.

Doors: own_music.py (`antiphon learn`), voice_file.py (`antiphon memory share | accept`).
"""
