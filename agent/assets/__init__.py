"""What ships with the program, beside the scripts that made it."""
