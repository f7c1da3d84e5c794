"""Find playing technique and tone of each note. Door: timbre.py (`TimbreTracker`)."""
