"""The sentences of benchmarks/conversation.py: valid edits, no wording on both sides, held-out ones untouched."""

import hashlib
import re

from agent.directions.edit import SCOPE
from agent.language.reader.features import TABLE
from agent.language.reader.tokens import tokens
from agent.sentences.corpus import by_hand
from benchmarks.conversation import HELD_OUT, Case, held_out, keywords, scores, sentences, wanted

COMMITTED = "6e0bc422a00688fb5453f0ffcd7ad94f72cd1beaa278c2dfa2dbe915df13f9e0"  # held-out sentences are never edited


def template(text: str) -> str:
    """The wording with targets, numbers and meters taken out."""
    said = tokens(text)
    words = [token.text if token.kind in ("word", "mark") else token.kind for token in said]
    for phrase in TABLE.found([token.text for token in said]):
        if {kind for kind, _ in phrase.tags} == {"who"}:
            words[phrase.start : phrase.end] = ["who"] * (phrase.end - phrase.start)
    return re.sub(r"\W+", " ", re.sub(r"(who )+", "who ", " ".join(words))).strip()


def test_every_sentence_has_valid_edits() -> None:
    rows = sentences()
    assert len(rows) >= 260 and len({row["text"] for row in rows}) == len(rows)
    assert all(edit.scope is None or SCOPE.fullmatch(edit.scope) for row in rows for edit in wanted(row))


def test_the_held_out_sentences_are_as_their_writers_left_them() -> None:
    cases = held_out()
    assert hashlib.sha256(HELD_OUT.read_bytes()).hexdigest() == COMMITTED
    assert len(cases) >= 900 and sum(case.dialogue for case in cases) >= 200


def test_no_wording_of_the_older_sentences_stands_on_both_sides() -> None:
    rows = sentences()
    seen = {template(row["text"]) for row in rows if row["split"] == "train"}
    unseen = [row["text"] for row in rows if row["split"] != "train"]
    assert [text for text in unseen if template(text) in seen] == []


def test_few_held_out_sentences_of_four_words_and_more_stand_in_the_training_sentences() -> None:
    trained = {template(said.text) for _, said in by_hand()}
    long = [case.text for case in held_out() if len(case.text.split()) > 3 and not case.dialogue]
    assert sum(template(text) in trained for text in long) < 0.02 * len(long)


def test_the_trivial_rule_is_scored_by_the_same_measure() -> None:
    cases = [Case(row["text"], wanted(row)) for row in sentences() if row["split"] == "test"]
    right = scores(cases, [case.wanted for case in cases])["exact"]
    assert scores(cases, [keywords(case.text, case.context) for case in cases])["exact"] < right == 1.0
