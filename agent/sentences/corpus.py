"""Draws the training sentences: `corpus(seed, count)`, by 28 speakers, and those by hand.

`python -m agent.sentences.corpus` prints a corpus, the same in every process: a row
[speaker, text, edits, edits before, readings asked about] for each sentence by hand and 6,160 drawn ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

from agent.sentences.said import Said, Sentences, written, written_dialogues
from agent.sentences.speakers import SPEAKERS, styled
from agent.sentences.talk import Talk

DRAWN, SEED = 6_160, 1  # sentences of the corpus that are drawn, beside those by hand
KEEP = 0.65  # share of the phrases of each group that one speaker knows
DIALOGUE = 0.3  # share of turns with a context


def corpus(seed: int, count: int, keep: float = KEEP, dialogue: float = DIALOGUE) -> Iterator[tuple[str, Said]]:
    """Yield `count` sentences, the speakers in turn. The same seed gives the same sentences."""
    rng = Random(seed)
    voices = [(speaker, Sentences(rng, voice, keep)) for voice, speaker in enumerate(SPEAKERS)]
    talks = [Talk(sentences) for _, sentences in voices]
    for number in range(count):
        speaker, sentences = voices[number % len(voices)]
        said = talks[number % len(voices)].turn() if rng.random() < dialogue else sentences.sentence()
        text = styled(said.text, speaker, rng)
        yield speaker.name, Said(text or said.text, said.edits, said.context, said.asked)


def by_hand() -> Iterator[tuple[str, Said]]:
    """Yield the sentences and dialogues written by hand."""
    for speaker, text, edits in written():
        yield speaker, Said(text, edits)
    for number, talk in enumerate(written_dialogues()):
        for said in talk:
            yield f"dialogue_{number}", said


def rows() -> Iterator[list[object]]:
    """Yield the rows of the corpus."""
    for speaker, said in [*by_hand(), *corpus(SEED, DRAWN)]:
        row: list[object] = [speaker, said.text, list(said.edits), list(said.context), list(said.asked)]
        while not row[-1] and len(row) > 3:
            row.pop()
        yield row


if __name__ == "__main__":
    for one in rows():
        print(json.dumps(one, ensure_ascii=False))
