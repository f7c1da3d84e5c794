"""`antiphon listen` and `antiphon codes`: facts, pictures and codes of files and of the microphone. Doors: file_listener.py, microphone.py, codes.py."""
