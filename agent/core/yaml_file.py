"""Reads a settings file in YAML 1.2's plain sense: bounded in size and depth, decimal numbers, text otherwise.

PyYAML reads YAML 1.1, in which 20:0 is 1200, 010 is 8, yes is true and a date is a date; here they are text, so that
the error names what was written. Anchors may be used, but not to expand without end.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Hashable
from pathlib import Path
from types import NoneType
from typing import TypeAlias

import yaml

from agent.core.errors import UserError
from agent.core.plain_text import printable

Scalar = str | int | float | bool | None
Value: TypeAlias = "Scalar | list[Value] | dict[Scalar, Value]"
Tree = dict[Scalar, Value]
MOST_BYTES = 1_000_000
MOST_VALUES = 10_000  # with every anchor expanded
MOST_DIGITS = 18
INTEGER = re.compile(rf"^[-+]?[0-9]{{1,{MOST_DIGITS}}}$")
NUMBER = re.compile(
    r"^(?:[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.inf|\.nan)$",
    re.IGNORECASE,
)
BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")


class _Loader(yaml.SafeLoader):
    """A YAML loader with YAML 1.2's plain scalars, so that `on` and `off` stay words; a key given twice is an error."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (the base class's own)

    def compose_document(self) -> yaml.Node | None:
        node = super().compose_document()
        if node is not None and _expanded(node, {}) > MOST_VALUES:
            problem = f"its anchors stand for more than {MOST_VALUES:,} values; write them out, or leave them out"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Value]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {printable(key.value)} given twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), [*"~nN", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", BOOLEAN, list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^(?:<<)$"), ["<"])
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def _expanded(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for, each anchor as often as it is used; too many where it holds itself."""
    if id(node) not in known:
        known[id(node)] = MOST_VALUES  # met again while it is being counted: it holds itself
        inside = node.value if isinstance(node, yaml.SequenceNode) else []
        if isinstance(node, yaml.MappingNode):
            inside = [part for pair in node.value for part in pair]
        known[id(node)] = min(1 + sum(_expanded(part, known) for part in inside), 10 * MOST_VALUES)
    return known[id(node)]


def read_tree(file: Path) -> Tree:
    """Return the file's mapping, {} for an empty file. Raises UserError for a file that cannot be read as a mapping."""
    name = printable(str(file))
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"config {name}: not a file; give another with --config FILE")
        if found.st_size > MOST_BYTES:
            raise UserError(f"config {name}: {found.st_size:,} bytes; at most {MOST_BYTES:,} are read")
        tree: Value = yaml.load(_text(file.read_bytes(), name), Loader=_Loader)
    except OSError as error:
        raise UserError(f"config {name}: cannot be read ({error.strerror}); give another with --config FILE") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"config {name}{_where(error)}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"config {name}: got {shown(tree)}, expected `section:` lines such as `audio:`")
    return tree


def _text(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"config {name}: written as UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(f"config {name}, line {line}: not UTF-8 (Latin-1?); save it as UTF-8") from error


def parse_value(text: str) -> Value:
    """Read a value as it would be written in the file: 3 -> 3, null -> None, [1, 2] -> a list, Scarlett -> text."""
    try:
        value: Value = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    return value


def shown(value: Value) -> str:
    """Describe a value for an error message, cut to one line."""
    names = {str: "text", dict: "a group", list: "a list", NoneType: "null"}
    text = repr(value)
    return f"{names.get(type(value), '')} {text if len(text) < 60 else text[:57] + '...'}".strip()


def _where(error: Exception) -> str:
    """Return `, line 3: what is wrong`, or the problem alone when the YAML reader names no line."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or (str(error) or type(error).__name__).splitlines()[0])
    return f", line {mark.line + 1}: {problem}" if mark else f": not YAML text ({problem})"
