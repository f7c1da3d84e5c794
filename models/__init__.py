"""Tensors in, tensors out. May import listener.types only."""
