"""Talks with the player, while the band plays and over a recorded riff: ideas, answers, verdicts.

Doors: live.py (`Talk`), riff_dialogue.py (`Dialogue`).
"""
