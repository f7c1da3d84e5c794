"""Turn music into integers: MIDI files, the tick grid, tokens, features, dials. Door: tokens.py."""
