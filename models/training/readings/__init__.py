"""Train the network that scores readings of the meter. Door: trainer.py (`python -m models.train readings`)."""
