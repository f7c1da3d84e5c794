"""The drummer's hands: micro-timing and velocity. Door: drum_timing.py (`Timing`)."""
