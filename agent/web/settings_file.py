"""Changes the settings file from the page, one checked value at a time; comments and order in the file stay.

What could send sound or words elsewhere, or open the remote wider, is not changed from a phone: paths, the language
model's endpoint, the remote's own settings.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from ruamel.yaml import YAML

from agent.core.config import find, flatten, load
from agent.core.errors import UserError
from agent.core.paths import settings_folder
from agent.core.whole_file import write_whole
from agent.core.yaml_file import Value, parse_value

SECTIONS = ("audio", "midi", "parts", "band", "dials", "sync")
TOOLS = {"devices": (), "ports": ("--json",), "doctor": (), "calibrate": ()}  # name -> arguments
COMMANDS = {"ports": "devices"}  # of tools that are another command
TOOL_S = 60.0
TEXT_MAX = 20_000


class Settings(TypedDict):
    """The settings file as the page shows it. settings: by dotted name."""

    file: str
    settings: dict[str, Value]


class SettingsFile:
    """The settings file. given: its path, as of --config; None = where it is found, else it is made for the user."""

    def __init__(self, given: Path | None) -> None:
        self._given = given
        self._running = asyncio.Lock()

    def read(self) -> Settings:
        """Return the file's path and every setting that may be changed here."""
        config = load(self._given)
        values = {key: value for key, value in flatten(config) if key.split(".")[0] in SECTIONS}
        return {"file": str(find(self._given) or self._new()), "settings": values}

    def change(self, wanted: Mapping[str, Value]) -> str:
        """Set {"key": "band.mode", "value": "trade"}; return what was done. Raises UserError."""
        key, value = str(wanted.get("key", "")), wanted.get("value")
        if key.split(".")[0] not in SECTIONS:
            raise UserError(f"{key!r} cannot be changed from here; these can: {', '.join(SECTIONS)}")
        if isinstance(value, str):
            value = parse_value(value)
        load(self._given, {key: value})
        path = find(self._given) or self._new()
        yaml = YAML()
        yaml.preserve_quotes = True
        tree = (yaml.load(path.read_text()) if path.exists() else None) or {}
        *groups, leaf = key.split(".")
        place = tree
        for group in groups:
            if not isinstance(place.get(group), dict):
                place[group] = {}
            place = place[group]
        place[leaf] = value
        text = io.StringIO()
        yaml.dump(tree, text)
        _write(path, text.getvalue())
        return f"{key} is {value} from the next start on ({path})"

    async def tool(self, name: str) -> str:
        """Return what `antiphon doctor`, `devices`, `calibrate` or `devices --json` ("ports") says; one at a time,
        with the lowest priority unless it measures time.

        Raises UserError for another name, or where it does not end in time.
        """
        if name not in TOOLS:
            raise UserError(f"there is no tool {name!r} here; there are {', '.join(TOOLS)}")
        async with self._running:
            process = await asyncio.create_subprocess_exec(
                *("nice", "-n", "0" if name == "calibrate" else "19", sys.executable, "-m", "agent"),
                *(COMMANDS.get(name, name), *TOOLS[name]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                out, _ = await asyncio.wait_for(process.communicate(), TOOL_S)
            except TimeoutError:
                process.kill()
                await process.wait()
                raise UserError(f"`antiphon {name}` did not end within {TOOL_S:.0f} s") from None
            return out.decode(errors="replace")[:TEXT_MAX]

    def _new(self) -> Path:
        return settings_folder() / "config.yaml"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, text.encode(), mode=path.stat().st_mode & 0o777 if path.exists() else 0o600)
    except OSError as cause:
        raise UserError(f"{path} was not changed: {cause.strerror or cause}") from None
