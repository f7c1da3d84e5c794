"""Write the generated pages: docs/commands.md, configuration.md, vocabulary.md, benchmarks.md, parts of others.

`make docs-pages`, or `python docs/generate.py [--check]`; --check writes nothing and exits with 1 when a page is stale
(tests/test_docs.py does the same). Parts: rooms of architecture.md, figures of README.md. Sources: the argument parser,
agent/control/commands.py, config.yaml, agent/language/vocabulary.py, newest rows of benchmarks/results.jsonl.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(ROOT))

from docs import code_reference  # noqa: E402

FIGURES = ("<!-- figures: written by `make docs-pages` -->", "<!-- end of figures -->")
ROOMS = ("<!-- rooms: written by `make docs-pages` -->", "<!-- end of rooms -->")
MADE = "<!-- Written by docs/generate.py (`make docs-pages`) from {source}; changes here are lost. -->"

# rows of results.jsonl whose system was renamed or replaced since
RETIRED = {("responder", "responder (shipped)")}
SKIPPED_FIGURES = {"rows", "set", "weights_sha256"}  # rows: per condition; benchmarks/listening.py prints them
CONDITIONS = ("room", "echo_db")  # figures that say under which condition a system was measured
WIDE_COLUMNS = 10  # a table with more figures than this has its figures as rows
LONG_ROWS = 24  # longer tables are folded
ALIKE = 0.3  # share of figures that two systems must have in common to stand in one table


# ---- commands ----


def commands_page() -> str:
    """Return docs/commands.md: every command and option of the parser, and what `antiphon ctl` takes."""
    from agent.__main__ import _parser
    from agent.control.commands import TABLE

    found = list(_subparsers(_parser()))
    lines = [
        "# Commands",
        "",
        MADE.format(source="the argument parser and agent/control/commands.py"),
        "",
        "`antiphon COMMAND --help` prints the same. Exit codes: 0 well, 1 trouble on the way, 2 "
        "a mistake in what was asked.",
        "",
        "| command | what it does |",
        "|---|---|",
        *(f"| [`antiphon {name}`](#antiphon-{name}) | {_cell(help_text)} |" for name, help_text, _ in found),
        "",
    ]
    for name, help_text, parser in found:
        lines += _command(f"antiphon {name}", help_text, parser, "##")
        if name == "ctl":
            lines += [
                "A running session (`jam` or `daemon`) takes these:",
                "",
                "| `antiphon ctl ...` | meaning |",
                "|---|---|",
            ]
            lines += [
                f"| `{f'{word} {row.takes}'.strip()}` | {_cell(row.means)} |".replace(
                    " | ", r" \| ", row.takes.count(" | ")
                )
                for word, row in TABLE.items()
            ]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _subparsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield name, help and parser of each sub-command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, child in action.choices.items():
                yield name, helps.get(name, ""), child


def _command(name: str, help_text: str, parser: argparse.ArgumentParser, level: str) -> list[str]:
    lines = [f"{level} {name}", "", f"{_sentence(help_text)}", ""]
    rows = [row for action in parser._actions if (row := _option(action))]
    if rows:
        lines += ["| option | meaning |", "|---|---|", *rows, ""]
    if parser.epilog:
        lines += ["```text", parser.epilog.strip("\n"), "```", ""]
    for child, child_help, child_parser in _subparsers(parser):
        lines += _command(f"{name} {child}", child_help, child_parser, level + "#")
    return lines


def _option(action: argparse.Action) -> str | None:
    """Return the table row of one option or argument; None for --help and for sub-commands."""
    if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
        return None
    takes = "" if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction) else _takes(action)
    names = ", ".join(action.option_strings)
    shown = " ".join(part for part in (names, takes) if part)
    meaning = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
    if action.choices and action.metavar is None:
        meaning = "; ".join(part for part in (meaning, "one of " + ", ".join(map(str, action.choices))) if part)
    return f"| `{shown.replace('|', chr(92) + '|')}` | {_cell(meaning)} |"


def _takes(action: argparse.Action) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    name = action.metavar or action.dest.upper()
    return f"{name} ..." if action.nargs in ("*", "+") else name


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "." if text else ""


# ---- configuration ----

KEY = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?: +(?P<value>[^#]*?))?(?: +# (?P<comment>.*))?$")


def configuration_page() -> str:
    """Return docs/configuration.md: each key of config.yaml with its default and its meaning."""
    lines = [
        "# Configuration",
        "",
        MADE.format(source="config.yaml"),
        "",
        "`config.yaml` in the folder where `antiphon` is started, or the file that `--config "
        "FILE` names. Every key may be left out.",
        "Options of a command override the file; `--set KEY=VALUE` reaches any key: `antiphon "
        "jam --set parts.line.program=4`.",
        "A key that does not exist is refused by name, and so is a value of a wrong type or out of range.",
        "",
    ]
    path: list[str] = []
    for text in (ROOT / "config.yaml").read_text(encoding="utf-8").splitlines():
        if not text.strip() or text.startswith("#"):
            continue
        match = KEY.match(text)
        if match is None:
            raise ValueError(f"config.yaml: {text!r} is not `key: value  # comment`")
        depth = len(match["indent"]) // 2
        path = [*path[:depth], match["key"]]
        if match["value"] is None:  # a section
            if depth == 0:
                lines += ["", f"## {path[0]}", ""] if lines[-1] else [f"## {path[0]}", ""]
                if match["comment"]:
                    lines += [f"{_sentence(match['comment'])}", ""]
                lines += ["| key | default | unit, range and meaning |", "|---|---|---|"]
            continue
        lines.append(f"| `{'.'.join(path)}` | `{match['value'].strip()}` | {_cell(_meaning(match['comment'] or ''))} |")
    return "\n".join(lines).rstrip() + "\n"


def _meaning(comment: str) -> str:
    """Take "default 128" out of a comment where it only repeats the value; "default null = "
    "..." explains it and stays."""
    return re.sub(r"; default [^\s=(]+(?: [^=(]*)?$", "", comment)


# ---- benchmarks ----


def rows() -> list[dict[str, Any]]:
    """Return the rows of results.jsonl, the oldest first."""
    text = (BENCHMARKS / "results.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def script_of(benchmark: str) -> Path | None:
    """Return the script that writes a benchmark's rows ("sync: Link" -> sync.py); None when there is none any more."""
    names = sorted((path.stem for path in BENCHMARKS.glob("*.py")), key=len, reverse=True)
    for name in names:
        if benchmark == name or benchmark.startswith((f"{name}_", f"{name}:")):
            return BENCHMARKS / f"{name}.py"
    return None


def command_of(script: Path) -> str:
    """Return the command its docstring names, or the plain one."""
    text = script.read_text(encoding="utf-8")
    named = re.search(rf"python (?:-m benchmarks\.{script.stem}|benchmarks/{script.stem}\.py)[^`\n]*", text)
    if named:
        return named.group(0).strip()
    as_module = re.search(r"^from benchmarks", text, re.MULTILINE)
    return f"python -m benchmarks.{script.stem}" if as_module else f"python benchmarks/{script.stem}.py"


def benchmarks_page() -> str:
    """Return docs/benchmarks.md: the newest row of each system of each benchmark that still exists."""
    newest: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows():
        if script_of(row["benchmark"]) and (row["benchmark"], row["system"]) not in RETIRED:
            newest.setdefault(row["benchmark"], {})[_system(row)] = row
    lines = [
        "# Benchmarks",
        "",
        MADE.format(source="benchmarks/results.jsonl"),
        "",
        "The newest row of every system, as `benchmarks/results.jsonl` keeps it (all earlier "
        "runs, commit and machine are there too).",
        "What the figures mean and what they are compared with stands on the hand-written pages:",
        "[time and faults](benchmarks-time.md), [listening](benchmarks-listening.md), [codec](benchmarks-codec.md),",
        "[responder](benchmarks-responder.md), [words and taste](benchmarks-words.md). Many "
        "need `../shared` (clips, training data).",
        "",
        *(f"- [{name}](#{_anchor(name)})" for name in sorted(newest)),
        "",
    ]
    for name in sorted(newest):
        lines += _benchmark(name, newest[name])
    return "\n".join(lines).rstrip() + "\n"


def _system(row: dict[str, Any]) -> str:
    """Return the system's name and the condition it was measured under."""
    conditions = [f"{name} {row['figures'][name]}" for name in CONDITIONS if name in row["figures"]]
    return ", ".join((row["system"], *conditions))


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _benchmark(name: str, systems: dict[str, dict[str, Any]]) -> list[str]:
    script = script_of(name)
    assert script is not None
    about = " ".join((ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    about = re.sub(r":? `python [^`]*`", "", about).rstrip(".;:")
    dates = sorted({row["date"][:10] for row in systems.values()})
    lines = [f"## {name}", "", f"{about}.", ""]
    lines += [f"`{command_of(script)}`, {' and '.join(dates)}, commit {', '.join(_commits(systems))}", ""]
    for group in _groups({system: _flat(row["figures"]) for system, row in systems.items()}):
        lines += [*_table(group), ""]
    return lines


def _commits(systems: dict[str, dict[str, Any]]) -> list[str]:
    return sorted({row["commit"].rstrip("+") for row in systems.values()})


def _flat(figures: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return name -> text; {"late": {"p50": 1}} -> "late, p50"."""
    found: dict[str, str] = {}
    for name, value in figures.items():
        if name in SKIPPED_FIGURES or name in CONDITIONS:
            continue
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}, ")
        else:
            found[prefix + name] = _shown(value)
    return found


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_shown, value)) if len(value) <= 6 else f"({len(value)} values)"
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    if value != value:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _groups(systems: dict[str, dict[str, str]]) -> list[dict[str, dict[str, str]]]:
    """Put systems that share figures into one table."""
    groups: list[dict[str, dict[str, str]]] = []
    for system, figures in systems.items():
        for group in groups:
            known = set().union(*group.values())
            if len(known & set(figures)) >= ALIKE * len(known | set(figures)):
                group[system] = figures
                break
        else:
            groups.append({system: figures})
    return groups


def _table(systems: dict[str, dict[str, str]]) -> list[str]:
    names = list(dict.fromkeys(name for figures in systems.values() for name in figures))
    if len(names) <= WIDE_COLUMNS and len(systems) > 1:
        head, body = ["system", *names], [[s, *(f.get(n, "") for n in names)] for s, f in systems.items()]
    else:
        head, body = ["figure", *systems], [[n, *(f.get(n, "") for f in systems.values())] for n in names]
    lines = [f"| {' | '.join(map(_cell, head))} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in body]
    if len(body) <= LONG_ROWS:
        return lines
    return [f"<details><summary>{len(body)} figures</summary>", "", *lines, "", "</details>"]


# ---- the figures of the README ----

# From one run of 20 kills at version 0.4.0 that results.jsonl does not hold; used until it does.
KILLED_MODEL_SILENCE = "0.01 s of silence at version 0.4.0"


def readme_figures() -> str:
    """Return the five lines between the marks in README.md."""
    found = rows()

    def newest(benchmark: str, system: str) -> dict[str, Any]:
        return [r for r in found if r["benchmark"] == benchmark and r["system"] == system][-1]["figures"]

    play, ears = newest("realtime", "play"), newest("listening", "antiphon")
    peer, words = newest("listening", "madmom online"), newest("conversation", "antiphon")
    librosa = newest("listening", "librosa")
    kills = [r for r in found if r["benchmark"] == "realtime_fault" and r["system"].startswith("kill -9 of the model")]
    silences = [r["figures"]["silence_s"] for r in kills if r["date"][:10] == kills[-1]["date"][:10]]
    silence = f"{statistics.median(silences):.2f} s of silence" if silences else KILLED_MODEL_SILENCE
    return "\n".join(
        [
            f"- **In time**: {100 * play['in_time_share']:.2f}% of {play['notes']:,} notes left "
            f"in time, on two busy cores.",
            f"- **Notes heard**: F1 {ears['note']:.2f}, as they sound (librosa, offline: {librosa['note']:.2f}).",
            f"- **Beat heard**: F {ears['beatF']:.2f}, as it comes (madmom online: "
            f"{peer['beatF']:.2f}); 0.90 was the aim.",
            f"- **The model process killed**: {silence} (median), while the band plays what was planned.",
            f"- **Sentences of strangers understood exactly**: {100 * words['held_out_exact']:.0f}%; "
            f"something nobody meant is done in {100 * words['held_out_wrong_actions']:.0f}%.",
        ]
    )


def between(path: Path, marks: tuple[str, str], text: str) -> str:
    """Return the file's text with what stands between the two marks replaced."""
    begin, end = marks
    head, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{path}: no {begin} ... {end}")
    return f"{head}{begin}\n{text}\n{end}{tail}"


# ---- the rooms of docs/architecture.md ----


def rooms() -> dict[str, str]:
    """Return "agent/core" -> the docstring of that room, for every room of the three packages."""
    found = {}
    for package in ("listener", "models", "agent"):
        for door in sorted((ROOT / package).glob("*/__init__.py")):
            text = ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))) or ""
            found[f"{package}/{door.parent.name}"] = " ".join(text.split())
    return found


def rooms_table() -> str:
    """Return the table of rooms: what each is for and its door, from the `__init__` docstrings."""
    lines = ["", "| room | what it is for | door |", "|---|---|---|"]
    for room, text in rooms().items():
        what, _, door = re.sub(r"\.? Doors?: ", "\n", text).partition("\n")
        door = re.sub(r"(?<![`\w/])([\w/]+\.py)", r"`\1`", door.rstrip("."))
        lines.append(f"| `{room}/` | {_cell(what.rstrip('.'))} | {_cell(door)} |")
    return "\n".join([*lines, ""])


def pages() -> dict[Path, str]:
    """Return what each generated file must hold."""
    return {
        DOCS / "commands.md": commands_page(),
        DOCS / "configuration.md": configuration_page(),
        DOCS / "vocabulary.md": code_reference.vocabulary_page(),
        DOCS / "benchmarks.md": benchmarks_page(),
        DOCS / "architecture.md": between(DOCS / "architecture.md", ROOMS, rooms_table()),
        ROOT / "README.md": between(ROOT / "README.md", FIGURES, readme_figures()),
    }


def stale() -> list[Path]:
    """Return the generated files that differ from what they must hold."""
    return [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> int:
    """Write the stale pages, or with --check only name them (exit code 1)."""
    parser = argparse.ArgumentParser(description="Write the generated pages of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is stale")
    given = parser.parse_args()
    found = pages()
    for path in stale():
        print(f"{path.relative_to(ROOT)}: {'stale; run `make docs-pages`' if given.check else 'written'}")
        if given.check:
            continue
        path.write_text(found[path], encoding="utf-8")
    return 1 if given.check and stale() else 0


if __name__ == "__main__":
    sys.exit(main())
