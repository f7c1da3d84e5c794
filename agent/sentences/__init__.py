"""Sentences for the reader to learn from: what players say, with its edits. The door is corpus.py."""
