"""Keeps what outlives a session: the SQLite store, taste, phrases, practised adapters, export.

Doors: store.py (`Memory`), taste.py, practice.py.
"""
