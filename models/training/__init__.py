"""Train the models: everything that needs torch and hours. Door: models/train.py."""
