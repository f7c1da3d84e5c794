"""Measure the program: one script per claim, each with its command in its docstring; helpers lie in the sub-rooms."""
