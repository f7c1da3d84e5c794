"""Opens MIDI ports: output that leaves no note hanging, input, reconnection, MIDI clock in and out.

Start with: band_port.py (`open_port`), input.py (`MidiIn`).
"""
