"""Turns a sentence into typed edits and a reply; keeps no state. Door: parser.py (`parse`)."""
