"""The training sentences: enough of them, by many speakers, a quarter that order nothing, every edit sayable."""

import json

from agent.directions.edit import Edit
from agent.language.reader.features import BAR
from agent.language.reader.reading import tokens_of
from agent.language.reader.symbols import Reading, pieces_of
from agent.language.reader.tokens import tokens
from agent.sentences.corpus import FILE, by_hand, corpus


def rows() -> list[list[object]]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def test_there_are_enough_sentences_by_many_speakers() -> None:
    speakers = {str(row[0]) for row in rows()}
    assert len(rows()) >= 6_000 and len([name for name in speakers if "dialogue" not in name]) >= 24


def test_a_quarter_orders_nothing_and_a_quarter_is_more_than_one_plain_wish() -> None:
    every = rows()
    silent = [row for row in every if not row[2]]
    twisted = [row for row in every if len(row[2]) > 1 or len(row) > 3]  # type: ignore[arg-type]
    assert len(silent) > 0.25 * len(every) and len(twisted) > 0.25 * len(every)


def test_the_same_seed_draws_the_same_sentences() -> None:
    assert [said for _, said in corpus(3, 50)] == [said for _, said in corpus(3, 50)]


def test_what_is_written_by_hand_can_be_said_in_symbols_and_read_back() -> None:
    for _, said in by_hand():
        edits = [*map(Edit.read, said.edits)]
        if any(edit.dimension == "take" and edit.change == "set" for edit in edits):
            continue  # a name is read by a rule
        if " of be " in said.text or " of see " in said.text:
            continue  # a misheard key can be pointed to by nobody
        before = tokens_of([*map(Edit.read, said.context)], [*map(Edit.read, said.asked)])
        every = (*before, BAR, *tokens(said.text))
        reading = Reading(every)
        for piece in pieces_of(edits, every, len(before) + 1):
            reading.add(piece)
        assert [edit.short() for edit in reading.edits] == [*said.edits]
