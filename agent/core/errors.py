"""Defines UserError, which the command line prints in one line before it exits with code 2."""

from __future__ import annotations

TRAINING = ("torch", "torchaudio", "encodec", "librosa")  # as in packaging/training.txt: playing needs none of them
GET_TRAINING = "install it beside Antiphon (docs/install.md)"


class UserError(Exception):
    """A mistake that only the user can correct. Its one line says what came, what is allowed and what to try."""
