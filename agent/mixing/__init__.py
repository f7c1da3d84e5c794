"""Mixes the band and the bass: lanes, reverb, balance by loudness, compressors, limiter. NumPy only, nothing threaded.

Start with: mixer.py (`Mixer`), bass_strip.py (`BassStrip`), limiter.py (`Limiter`), loudness.py (`integrated_lufs`).
"""
