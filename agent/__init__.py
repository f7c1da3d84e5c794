"""Decides, times, plays, remembers. Imports listener and models; neither imports it."""
