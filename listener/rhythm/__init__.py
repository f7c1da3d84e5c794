"""Beat, meter and the grid. Doors: beat.py, meter.py."""
