"""Runs whole sessions: live, offline (--fast), workshop, daemon; with supervision, status and sync.

Start with: live.py (`Live`), offline.py (`OfflineSession`), workshop.py (`Workshop`), daemon.py (`Daemon`).
"""
