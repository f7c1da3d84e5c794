"""What the command line tells a person in one line and exit code 2."""

from __future__ import annotations


class UserError(Exception):
    """A mistake only the person can mend. One line: what came, what is allowed, what to try."""
