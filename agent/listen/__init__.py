"""Runs `antiphon listen` and `antiphon codes`: what is heard in files or live, as text, pictures and codes.

Start with: file_listener.py, microphone.py, codes.py (`run` in each).
"""
