"""The documentation: generated pages are fresh, links and paths lead somewhere, the README stays a front page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import generate, make_demo

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "LICENSES.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
OUR_PATH = re.compile(
    r"(?<![\w/.-])(?:agent|models|listener|benchmarks|tests|docs)/[\w./-]*\w\.(?:py|md|png|mp3|jsonl|flac|sf3|gz)\b"
)
OUR_MODULE = re.compile(r"python -m ((?:agent|models|benchmarks)(?:\.\w+)*)")
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
