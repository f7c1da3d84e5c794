"""The dialogue, with a playing band and over a riff: ideas, answers, verdicts. Doors: live.py, riff_dialogue.py."""
