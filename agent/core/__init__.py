"""Types, messages, settings, paths and errors that every room shares. Doors: types.py, settings.py (`Config`), config.py (`load`), errors.py."""
