"""Talks with the player, while the band plays and over a recorded riff: ideas, answers, verdicts.

Doors: conversation.py (`Conversation`), stage.py (`Stage`), live.py (`Talk`), riff_talk.py (`RiffTalk`).
"""
