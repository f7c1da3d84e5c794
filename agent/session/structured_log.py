"""Writes the daemon's structured log: a line per fact, `event=... key=value` or JSON; <N> priorities in the journal."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TypeAlias

from agent.core.stored import Json

Fact: TypeAlias = "Json | Path | Exception"  # its text is logged

PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))  # syslog(3)
FACTS = "facts"  # the record's attribute that holds the keys and values


class Formatter(logging.Formatter):
    """Formats a record as level=... event=... and its facts; as_json: as one JSON object with the time."""

    def __init__(self, as_json: bool, journal: bool) -> None:
        super().__init__()
        self._as_json, self._journal = as_json, journal

    def format(self, record: logging.LogRecord) -> str:
        shown: dict[str, Fact] = {"level": record.levelname.lower(), "event": record.getMessage()}
        shown |= getattr(record, FACTS, {})
        if record.exc_info:
            shown["cause"] = self.formatException(record.exc_info)
        if self._as_json:
            stamp = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z")}
            line = json.dumps(stamp | shown, ensure_ascii=False, default=str)
        else:
            line = " ".join(f"{key}={_quoted(value)}" for key, value in shown.items())
        return f"<{_priority(record.levelno)}>{line}" if self._journal else line


def _priority(level: int) -> int:
    return next((priority for least, priority in PRIORITIES if level >= least), 7)


def _quoted(value: Fact) -> str:
    text = str(value)
    plain = text and all(letter.isprintable() and letter not in ' "=' for letter in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def set_up(level: str, as_json: bool) -> None:
    """Send the log to standard error, which is the journal under systemd."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(as_json, "JOURNAL_STREAM" in os.environ))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def fact(log: logging.Logger, event: str, level: int = logging.INFO, /, **facts: Fact) -> None:
    """Log one fact: fact(log, "started", folder=...)."""
    log.log(level, "%s", event, extra={FACTS: facts})
