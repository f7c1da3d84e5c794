"""Sound cards, their loss and return, clocks, latency, and the synth. Doors: stream.py (`Stream`), device_list.py, synth.py (`open_synth`)."""
