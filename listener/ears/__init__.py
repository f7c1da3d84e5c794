"""Onsets, f0 and notes from sound. Door: ears.py (`Ears`)."""
