"""The sentences of benchmarks/conversation.py: valid edits, and no wording on both sides of the split."""

import re

from agent.directions.edit import SCOPE
from agent.language.clauses import tagged
from agent.language.normalise import words
from benchmarks.conversation import keywords, scores, sentences, wanted


def template(text: str) -> str:
    """The wording with targets, numbers, sizes and places taken out."""
    kept = []
    for phrase in tagged(words(text)):
        kinds = {kind for kind, _ in phrase.tags}
        kept.append(min(kinds & {"who", "scope", "size", "meter", "tempo", "take"}, default=phrase.text))
    return re.sub(r"\W+", " ", " ".join(kept)).strip()


def test_every_sentence_has_valid_edits() -> None:
    rows = sentences()
    assert len(rows) >= 260 and len({row["text"] for row in rows}) == len(rows)
    assert all(edit.scope is None or SCOPE.fullmatch(edit.scope) for row in rows for edit in wanted(row))


def test_no_wording_stands_on_both_sides() -> None:
    rows = sentences()
    seen = {template(row["text"]) for row in rows if row["split"] == "train"}
    unseen = [row["text"] for row in rows if row["split"] != "train"]
    assert [text for text in unseen if template(text) in seen] == []


def test_the_trivial_rule_is_scored_by_the_same_measure() -> None:
    rows = [row for row in sentences() if row["split"] == "test"]
    assert scores(rows, keywords)["exact"] < scores(rows, lambda text: wanted(by_text[text]))["exact"] == 1.0


by_text = {row["text"]: row for row in sentences()}
