"""MIDI ports: output that never leaves a note hanging, input, reconnection, clock in and out. Doors: band_port.py (`open_port`), input.py (`MidiIn`)."""
