"""Defines UserError, which the command line prints in one line before it exits with code 2."""

from __future__ import annotations

TRAINING = ("torch", "torchaudio", "encodec", "librosa")  # modules of the extra `train`, which playing does not need
GET_TRAINING = "install antiphon[train] (docs/install.md)"


class UserError(Exception):
    """A mistake that only the user can correct. Its one line says what came, what is allowed and what to try."""
