"""Holds what the band can sound like: the instruments, SoundFont files, which style gets which, the player's own sound.

Start with: instruments.py (`INSTRUMENTS`), soundfont.py (`read`, `write`), font_choice.py (`fonts_of`).
"""
