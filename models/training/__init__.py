"""Everything that needs torch and hours. Door: models/train.py."""
