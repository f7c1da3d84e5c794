"""Serves the remote: a page for the phone on the music stand, and OSC. A process of its own that talks to a session
through the control socket, so nothing here can hold up the sound. Start with: server.py (`run`), app.py (`make_app`).
"""
