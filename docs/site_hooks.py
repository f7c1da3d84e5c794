"""Hooks of the site (`mkdocs build`, mkdocs.yml): pages made from the code, and files outside docs/ that pages link to.

A link that leaves docs/ must lead somewhere on the site, too, also without a network: Markdown pages of the
repository become pages (project/, cards/), every other file that is linked becomes a text (source/NAME.txt), and the
links are rewritten. A link to a folder becomes plain text. mkdocs calls the functions `on_...` by their names.
"""

from __future__ import annotations

import posixpath
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the tests of this file need no mkdocs
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # mkdocs runs this file by its path

from docs import code_reference  # noqa: E402

PROJECT = ("CONTRIBUTING.md", "CHANGELOG.md", "LICENSES.md")
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
FENCED = re.compile(r"^( *)(```|~~~).*?^\1\2\s*$", re.DOTALL | re.MULTILINE)
ELSEWHERE = ("http:", "https:", "mailto:", "#")


def place_of(path: str) -> str | None:
    """Return where a file of the repository lies on the site; None: nowhere (a folder, or it does not exist)."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path == "README.md":
        return "index.md"
    if path in PROJECT:
        return f"project/{path}"
    if not (ROOT / path).is_file():
        return None
    # a site leaves out what begins with a dot
    return f"cards/{Path(path).name}" if path.endswith(".md") else f"source/{path.removeprefix('.')}.txt"


def targets(text: str, path: str) -> list[str]:
    """Return the paths in the repository of a page's relative links. path: the page's own."""
    links = (match["target"] for match in LINK.finditer(FENCED.sub("", text)))
    inside = (target.partition("#")[0] for target in links if not target.startswith(ELSEWHERE))
    return [posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) for target in inside if target]


def rewritten(text: str, path: str) -> str:
    """Return a page's Markdown with its links leading to places on the site. path: its own in the repository."""
    here = posixpath.dirname(place_of(path) or "")

    def link(match: re.Match[str]) -> str:
        target, mark, anchor = match["target"].partition("#")
        if not target or match["target"].startswith(ELSEWHERE):
            return match[0]
        place = place_of(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
        if place is None:
            return match["text"]
        return f"{match['image']}[{match['text']}]({posixpath.relpath(place, here or '.')}{mark}{anchor})"

    done, at = "", 0
    for block in FENCED.finditer(text):
        done += LINK.sub(link, text[at : block.start()]) + block[0]
        at = block.end()
    return done + LINK.sub(link, text[at:])


@cache
def outside() -> dict[str, str]:
    """Return place on the site -> path in the repository, of every file outside docs/ that a page links to."""
    found = {f"project/{name}": name for name in PROJECT}
    pages = [*(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))), *PROJECT]
    for page in pages:  # grows by the cards
        for path in targets((ROOT / page).read_text(encoding="utf-8"), page):
            place = place_of(path)
            if place and not path.startswith("docs/") and path != "README.md" and place not in found:
                found[place] = path
                if path.endswith(".md"):
                    pages.append(path)
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not lie in docs/."""
    from mkdocs.structure.files import File

    for place, path in outside().items():
        files.append(File.generated(config, place, content=(ROOT / path).read_text(encoding="utf-8")))
    files.append(File.generated(config, "doors.md", content=code_reference.doors_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let a page's links lead to places on the site."""
    src_uri = page.file.src_uri
    return rewritten(markdown, outside().get(src_uri, f"docs/{src_uri}"))
