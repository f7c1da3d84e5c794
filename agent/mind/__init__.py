"""Runs the model process, the mind: an audio frame in, a plan of the band's notes out; snapshots for restarts.

Start with: mind.py (`Mind`), mind_process.py (`main`).
"""
