"""The files that ship with the program, and the scripts that made them. No door: they are data."""
