"""The documentation: generated pages are fresh, links and paths lead somewhere, the README stays a front page."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from agent.__main__ import _parser
from agent.control import commands
from agent.core.errors import UserError
from docs import code_reference, generate, make_demo, site_hooks

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "LICENSES.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
OUR_PATH = re.compile(
    r"(?<![\w/.-])(?:agent|models|listener|benchmarks|tests|docs)/[\w./-]*\w\.(?:py|md|png|mp3|jsonl|flac|sf3|gz)\b"
)
OUR_MODULE = re.compile(r"python -m ((?:agent|models|benchmarks)(?:\.\w+)*)")
BLOCK = re.compile(r"```(?:sh)?\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"(?<!`)`(antiphon [^`]+)`(?!`)")
README_LINES, README_BYTES, DEMO_BYTES = 120, 7_000, 600_000


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of each relative link."""
    for target in LINK.findall(prose(page)):
        if not target.startswith(("http:", "https:", "mailto:")):
            name, _, anchor = target.partition("#")
            yield (page.parent / name).resolve() if name else page, anchor


def test_no_generated_page_is_stale() -> None:
    assert not [path.name for path in generate.stale()], "run `make docs-pages`"


def test_what_decides_is_where_the_page_says() -> None:
    page = prose(ROOT / "docs/where-to-look.md")
    named = re.findall(r"\]\(\.\./([\w/]+\.py)\)((?: (?:and )?`\w+`)*)", page)
    assert sum(bool(names) for _, names in named) >= 14
    for path, names in named:
        code = (ROOT / path).read_text(encoding="utf-8")
        assert not [name for name in re.findall(r"`(\w+)`", names) if f"def {name}(" not in code], path


def test_the_readme_is_a_front_page() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= README_LINES
    assert len(text.encode()) <= README_BYTES
    assert (ROOT / "docs/antiphon.mp3").stat().st_size < DEMO_BYTES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {target.name}#{anchor}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_path_and_module_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in OUR_PATH.findall(text):
        assert (ROOT / path).exists() or "NAME" in path, f"{page.name} names {path}"
    for module in OUR_MODULE.findall(text):
        stem = ROOT / module.replace(".", "/")
        assert stem.is_dir() or stem.with_suffix(".py").exists(), f"{page.name} names {module}"


def test_the_readme_names_every_room_and_no_other() -> None:
    named = re.findall(r"^\| `((?:listener|models|agent)/\w+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(generate.rooms())


def test_every_picture_is_shown_or_linked_on_a_page() -> None:
    shown = {target for page in PAGES for target, _ in links(page)}
    for picture in (ROOT / "docs").glob("*.png"):
        assert picture in shown, f"no page shows docs/{picture.name}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = {README}, [README]
    while waiting:
        found = {target for target, _ in links(waiting.pop()) if target.suffix == ".md" and target.exists()} - reached
        reached |= found
        waiting += found
    assert set(PAGES) <= reached, f"no link leads to {[page.name for page in set(PAGES) - reached]}"


def test_the_glossary_explains_only_words_the_code_uses() -> None:
    packages = (ROOT / package for package in ("listener", "models", "agent"))
    code = " ".join(path.read_text(encoding="utf-8") for package in packages for path in package.rglob("*.py")).lower()
    words = re.findall(r"\*\*([^*]+)\*\*", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"))
    for word in words:
        assert re.search(r"[-_ ]?".join(re.split(r"[- ]", word.lower())), code), f"the code does not say {word!r}"


def test_the_demo_is_cut_where_most_is_played() -> None:
    beats = [{"type": "beat", "position": 1, "time_s": float(time_s)} for time_s in range(0, 40, 2)]
    notes = [{"type": "note", "onset_s": 6.1}, {"type": "sent", "on": True, "due_s": 14.5}]
    assert make_demo.best_start_s([*beats, *notes], end_s=40.0, seconds=9.0) == 6.0


def lines_of_commands(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield each command line a page shows, and whether it stands whole in a block (in a sentence it may be cut)."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            if found := re.match(r"\s*(?:sudo -u antiphon )?(?:\.venv/bin/)?(antiphon .*)", line):
                yield found[1], True
    yield from ((re.split(r" \\?\| ", line)[0], False) for line in INLINE.findall(text))


def refusal(line: str, whole: bool) -> str:
    """Return why the program would refuse a command line, "" where it takes it."""
    words = shlex.split(line.replace("...", "").replace(" N", " 1"), comments=True)[1:]
    parser = _parser(words[0])
    try:
        given = parser.parse_args(words)
    except SystemExit:
        return "" if not whole and is_cut(words) else "no such option or command"
    try:
        if words[0] == "ctl" and not words[1].isupper():
            commands.parse(" ".join(given.words))
    except UserError as mistake:
        return str(mistake) if whole or words[1] not in commands.TABLE else ""
    return ""


@cache
def commands_page() -> str:
    return generate.commands_page()


def is_cut(words: list[str]) -> bool:
    """Whether only arguments are missing: every word is a command that the page of commands has."""
    known = commands_page()
    return f"antiphon {' '.join(word for word in words if not word.startswith('-'))}" in known


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "commands.md"], ids=lambda page: page.name)
def test_every_command_on_a_page_is_one_that_the_program_takes(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line, whole in lines_of_commands(page):
        assert not refusal(line, whole), f"{page.name}: {line}\n{capsys.readouterr().err}"


# ---- the site (`make docs`) ----


def test_the_site_has_every_page_once() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    named = re.findall(r"([\w/.-]+\.md)$", nav, re.MULTILINE)
    made = {"doors.md", *(f"project/{name}" for name in site_hooks.PROJECT)}
    assert sorted(named) == sorted({page.name for page in (ROOT / "docs").glob("*.md")} | made)


def test_links_out_of_the_pages_lead_to_places_on_the_site() -> None:
    text = "[a](../agent/mind/mind.py), [b](../LICENSES.md#parts), [c](words.md), [d](../models/weights), [e](http://x)"
    there = "[a](source/agent/mind/mind.py.txt), [b](project/LICENSES.md#parts), [c](words.md), d, [e](http://x)"
    assert site_hooks.rewritten(text, "docs/index.md") == there
    assert site_hooks.rewritten("[w](docs/words.md)", "CONTRIBUTING.md") == "[w](../words.md)"


def test_every_room_with_a_door_is_in_the_reference_of_the_code() -> None:
    page = code_reference.doors_page()
    for room in generate.rooms():
        if code_reference.doors(ROOT / room):
            assert f"## {room}\n" in page
    assert "### Analyzer\n" in page and "- `step(frame: Frame) -> Analysis`: Return everything heard" in page


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img|source)[^>]+(?:src|href)=\"(https?:[^\"]+)", page.read_text())
        assert not loaded, f"{page.name} loads {loaded}"
