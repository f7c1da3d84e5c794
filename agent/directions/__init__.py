"""One wish as data (`Edit`), the edits that are active, and what they do to a bar and to notes. Doors: edit.py, active.py, director.py."""
