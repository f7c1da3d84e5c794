"""A recorded riff and the takes made of it: draw, revise, measure, mix, compare. Doors: sketcher.py (`Sketcher`), riff.py, take.py."""
