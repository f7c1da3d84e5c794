"""The agent decides what the band plays, times it, plays it and remembers it.

It imports listener and models; neither imports it.
"""
