"""Makes takes of a recorded riff: draws, revises, measures, mixes and compares them.

Doors: sketcher.py (`Sketcher`), riff.py, take.py.
"""
