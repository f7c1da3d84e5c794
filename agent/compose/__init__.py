"""Makes music without a live player: composes, replies to a MIDI file, writes multitrack files.

Doors: composer.py, reply.py.
"""
