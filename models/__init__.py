"""Arrays in, arrays out: the trained models and how they are trained. Imports listener only. Door: checkpoint.py."""
