"""Sound in, musical facts out. Knows nothing of models or agent."""
