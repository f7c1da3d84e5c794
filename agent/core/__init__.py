"""Defines the types, messages, settings, paths and errors that every other package of agent/ uses.

Start with: types.py, settings.py (`Config`), config.py (`load`), errors.py (`UserError`).
"""
