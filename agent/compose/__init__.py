"""Music without a player: compose, reply to a MIDI file, multitrack files. Doors: composer.py, reply.py."""
