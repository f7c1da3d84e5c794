"""Holds the musical rules, without process or clock: when the band plays, modes, tempo, trading, rendering to notes.

Doors: band_state.py, tempo_follower.py, note_renderer.py.
"""
