"""The session folder: WAV files, events.jsonl, session.mid, piano roll, repair after a crash. Doors: recorder.py (`Recorder`), recovery.py (`recover`)."""
