"""Practises with a player: a ladder of tempi, bars that drop out, phrases to play back, a report of timing and notes.

Door: coach.py (`Coach`).
"""
