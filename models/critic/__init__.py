"""The critic: how well drums, chords or a line belong to the bass they stand beside. Door: critic.py (`Critic`)."""
