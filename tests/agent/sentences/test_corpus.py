"""The training sentences: enough of them, by many speakers, a quarter that order nothing, every edit sayable."""

import os
import subprocess
import sys
from random import Random

from agent.directions.edit import Edit
from agent.language.reader.features import BAR
from agent.language.reader.reading import tokens_of
from agent.language.reader.symbols import Reading, pieces_of
from agent.language.reader.tokens import tokens
from agent.sentences import teach, variations
from agent.sentences.clauses import words_of
from agent.sentences.corpus import by_hand, rows
from agent.sentences.said import Said, kept_back, of_file


def test_there_are_enough_sentences_by_many_speakers() -> None:
    every = [*rows()]
    speakers = {str(row[0]) for row in every}
    assert len(every) >= 10_000 and len([name for name in speakers if "dialogue" not in name]) >= 80


def test_a_quarter_orders_nothing_and_a_quarter_is_more_than_one_plain_wish() -> None:
    every = [*rows()]
    silent = [row for row in every if not row[2]]
    twisted = [row for row in every if len(row[2]) > 1 or len(row) > 3]  # type: ignore[arg-type]
    assert len(silent) > 0.25 * len(every) and len(twisted) > 0.25 * len(every)


def test_the_same_seed_draws_the_same_sentences_in_every_process() -> None:
    draw = "from agent.sentences.corpus import corpus\nprint([said for _, said in corpus(3, 400)])"
    drawn = {
        subprocess.run(
            [sys.executable, "-c", draw], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(drawn) == 1


def test_no_speaker_stands_on_two_sides() -> None:
    trained = {said.text.lower() for _, said in by_hand()}
    assert len(kept_back()) > 300
    assert [said.text for said in kept_back() if len(said.text.split()) > 4 and said.text.lower() in trained] == []


def test_a_further_course_has_what_is_new_and_a_share_of_what_was_there() -> None:
    new = of_file("said_31")[:40]
    drawn = [*teach.renewed(3, 8, new, 0.1, 10)]
    assert drawn == [*teach.renewed(3, 8, new, 0.1, 10)]
    texts = [said.text for said in drawn]
    assert {said.text for said in new} <= {*texts}
    others = len([*by_hand(), *teach.older()]) - len(new)
    assert abs(len(drawn) - 8 - 1 - 10 - teach.NEW_TIMES * len(new) - 0.1 * others) < 0.02 * others


def test_a_sentence_made_of_another_says_what_its_edits_say() -> None:
    said = Said("a fill in bar four of the verse, quieter kick", ("drums.pattern set fill @bar:4", "kick.level less"))
    rng = Random(2)
    assert variations.swapped(said, rng).edits[1] != "kick.level less"
    other = variations.renumbered(said, rng)
    number = other.edits[0].rpartition(":")[2]
    assert number != "4" and (number in other.text or words_of(int(number)) in other.text)
    moved = variations.resectioned(Said("no ride in the verse", ("ride.mute on @section:verse",)), rng)
    assert moved.edits[0].rpartition(":")[2] in moved.text and "verse" not in moved.text


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
