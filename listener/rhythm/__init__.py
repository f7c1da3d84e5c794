"""Find beat, meter and grid. Doors: beat.py, meter.py."""
