"""Plays endless music in a mood, without a player: a bassist that is imagined, sections that return, moods that glide.

Doors: bassist.py (`Bassist`), mood_words.py (`mood_of`).
"""
