"""The audio process: sends and renders what is due now, and falls back on the last bar when no plan comes. Door: audio_process.py (`main`)."""
