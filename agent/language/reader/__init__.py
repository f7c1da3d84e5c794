"""Reads sentences with the trained network, a second opinion beside the rules. The door is second_opinion.py."""
