"""Runs the audio process: plays each note when it is due and repeats the last bar when no plan comes.

Start with: audio_process.py (`main`), player.py (`Player`).
"""
