"""Draws the training sentences: `corpus(seed, count) -> list of (speaker, Said)`, by 28 speakers, and those by hand."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from agent.sentences.said import Said, Sentences, written, written_dialogues
from agent.sentences.speakers import SPEAKERS, styled
from agent.sentences.talk import Talk

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
