"""Says what the band leads while the player plays on: odd bars, bars more or fewer, tempo, breaks, count-ins, the end.

Start with: leading.py (`Leading`), coming_along.py (`Departure`, `Ramp`), led_grid.py (`LedGrid`).
"""
