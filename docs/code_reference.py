"""Write the reference of the code: docs/vocabulary.md (every term the band understands) and the doors of all rooms.

The doors are only on the site (docs/site_hooks.py makes the page when it is built): the code says the same. A room's
`__init__` docstring names its doors: "Doors: phrase.py, form.py" or "Start with: synth.py (`open_synth`)".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("listener", "models", "agent")
DOORS = re.compile(r"(?:Doors?: |Start with: |[Tt]he door is )(?P<named>.*)$", re.DOTALL)
DOOR = re.compile(r"(?P<file>[\w/]+\.py)(?: \((?P<names>[^)]*)\))?")
FROM = "agent/language/vocabulary.py"
MADE = f"<!-- Written by docs/generate.py (`make docs-pages`) from {FROM}; changes here are lost. -->"

Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Door:
    """A module that others use. names: what of it; empty = everything public."""

    path: Path
    names: tuple[str, ...]


# ---- terms ----


def vocabulary_page() -> str:
    """Return docs/vocabulary.md: each term, how it is said, what it changes, and what of the music must move."""
    from agent.language.vocabulary import COLUMNS, TERMS

    lines = [
        "# Every term",
        "",
        MADE,
        "",
        f"The {len(TERMS)} terms that the rules know, with every way to say them. A sentence may hold several; a",
        'network reads what the rules do not ([words](words.md)). `more` and `less` turn with the sentence ("less",',
        '"don\'t", "too"). Each is played and measured by [a test](../tests/agent/language/test_terms_measured.py).',
        "",
        "| term | said | what it changes | what moves |",
        "|---|---|---|---|",
    ]
    for term in TERMS:
        said = ", ".join(phrase for column in COLUMNS for phrase in term.phrases(column))
        moves = {"+": "up", "-": "down", "0": "stays", "=": "as asked"}.get(term.moves, term.moves)
        lines.append(f"| {_cell(term.name)} | {_cell(said)} | `{_cell(term.edits)}` | {_cell(term.measure)}: {moves} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ").replace("<", "&lt;")


# ---- doors ----


def doors(room: Path) -> tuple[Door, ...]:
    """Return the doors that a room's docstring names, in its order."""
    text = " ".join((ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or "").split())
    named = DOORS.search(text)
    found = []
    for match in DOOR.finditer(named["named"]) if named else ():
        near, far = room / match["file"], ROOT / match["file"]
        names = re.findall(r"\w+", match["names"] or "")
        found.append(Door(near if near.exists() else far, tuple(name for name in names if name[0] != "_")))
    return tuple(found)


def rooms() -> Iterator[Path]:
    """Yield the packages and their rooms that have doors, in the order of the imports."""
    for package in PACKAGES:
        for door in [ROOT / package / "__init__.py", *sorted((ROOT / package).glob("*/__init__.py"))]:
            if doors(door.parent):
                yield door.parent


def doors_page() -> str:
    """Return the page of all doors: signature, docstring and public methods of what each room offers to the others."""
    lines = ["# The code's doors", "", "What each room offers to the others, read from the code.", ""]
    for room in rooms():
        docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
        lines += [f"## {room.relative_to(ROOT)}", "", _prose(DOORS.sub("", " ".join(docstring.split())))]
        for door in doors(room):
            lines += ["", *_door(door)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _door(door: Door) -> list[str]:
    tree = ast.parse(door.path.read_text(encoding="utf-8"))
    lines = [f"`{door.path.relative_to(ROOT)}`: {_prose((ast.get_docstring(tree) or '').split(chr(10) * 2)[0])}", ""]
    for node in tree.body:
        if isinstance(node, Definition) and ast.get_docstring(node) and _is_offered(node.name, door):
            lines += _definition(node)
    return lines


def _is_offered(name: str, door: Door) -> bool:
    return name in door.names if door.names else not name.startswith("_")


def _definition(node: Definition) -> list[str]:
    first, _, rest = (ast.get_docstring(node) or "").partition("\n\n")
    lines = [f"### {node.name}", "", "```python", signature(node), "```", "", _prose(first), ""]
    for paragraph in filter(None, rest.split("\n\n")):
        laid_out = any(line.startswith(" ") for line in paragraph.splitlines())
        lines += ["```text", paragraph, "```", ""] if laid_out else [_prose(paragraph), ""]
    methods = [
        (signature(one), (ast.get_docstring(one) or "").split("\n\n")[0])
        for one in (node.body if isinstance(node, ast.ClassDef) else ())
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_") and ast.get_docstring(one)
    ]
    for shown, says in methods:
        lines.append(f"- `{shown}`: {_prose(says)}")
    return [*lines, ""] if methods else lines


def signature(node: Definition) -> str:
    """Return "name(a: int, b: str = '') -> bool", a class's that of its constructor or of its fields."""
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{node.name}({_arguments(node.args)}){returns}"
    made = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    if made:
        return f"class {node.name}({_arguments(made.args)})"
    fields = [
        f"{one.target.id}: {ast.unparse(one.annotation)}" + (f" = {ast.unparse(one.value)}" if one.value else "")
        for one in node.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    ]
    return f"class {node.name}({', '.join(fields)})"


def _arguments(given: ast.arguments) -> str:
    text = ast.unparse(given)
    return re.sub(r"^(self|cls)(, |$)", "", text)


def _prose(text: str) -> str:
    """Return a docstring's paragraph as Markdown: on one line, nothing taken for a tag or emphasis."""
    one_line = " ".join(text.split())
    parts = one_line.split("`")  # odd ones are code
    return "`".join(part if number % 2 else re.sub(r"([*_<\[|])", r"\\\1", part) for number, part in enumerate(parts))
