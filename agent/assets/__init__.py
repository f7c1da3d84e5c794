"""Holds the data files that ship with the program, and the scripts that made them."""
