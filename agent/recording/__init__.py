"""Writes the session folder (WAV files, events.jsonl, session.mid, piano roll) and repairs it after a crash.

Start with: recorder.py (`Recorder`), recovery.py (`recover`).
"""
