"""Reads sentences: arrays of word features in, symbols and pointers out. The door is network.py."""
