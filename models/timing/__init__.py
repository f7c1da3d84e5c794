"""Time and weigh each drum hit as a drummer would: micro-timing and velocity. Door: drum_timing.py (`Timing`)."""
