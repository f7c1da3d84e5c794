"""Drives the sound card, its loss and return, clocks and latencies, and the synth.

Start with: stream.py (`Stream`), device_list.py (`find_card`), synth.py (`open_synth`).
"""
