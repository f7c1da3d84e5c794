"""Holds directions as data (`Edit`), the edits in force, and what they do to a bar and to notes.

Doors: edit.py, active.py, director.py.
"""
