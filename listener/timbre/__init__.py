"""Playing technique and tone. Door: timbre.py."""
