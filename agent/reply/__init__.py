"""Plays the band over a bass that is known whole: replies to MIDI files, for takes and songs; multitrack files.

Doors: planned_song.py (`play`), reply.py.
"""
