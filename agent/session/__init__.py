"""Whole sessions: live, offline (--fast), workshop, daemon; supervision, status, sync. Doors: live.py, offline.py, workshop.py, daemon.py."""
