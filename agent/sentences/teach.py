"""Teaches the reader: `python -m agent.sentences.teach --minilm FOLDER` draws the sentences and writes its weights.

--vectors FILE keeps the word vectors between runs. Held-out sentences (benchmarks/held_out_sentences.jsonl) are never read here.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from agent.directions.edit import Edit
from agent.language import lexicon
from agent.language.reader.features import BAR, TABLE, Features
from agent.language.reader.reading import tokens_of
from agent.language.reader.symbols import NUMBER, SYMBOLS, Unsayable, pieces_of
from agent.language.reader.tokens import tokens
from agent.sentences import variations
from agent.sentences.corpus import by_hand, corpus
from agent.sentences.said import Said
from agent.sentences.speakers import SPEAKERS, misspelt, styled
from agent.sentences.table import paraphrases
from models.reader import course
from models.reader.network import VECTOR
from models.reader.word_vectors import common_words, word_vectors

SENTENCES = Path(__file__).resolve().parents[2] / "benchmarks" / "sentences.jsonl"
TYPOS = (0.0, 0.0, 0.0, 0.02, 0.05, 0.1)  # shares of letters
HAND_TIMES, OLDER_TIMES, JOINED = 4, 5, 2  # how often those by hand, the older ones and two of them in one come


def older() -> Iterator[Said]:
    """Yield the sentences that the table was written against."""
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["split"] == "train":
            yield Said(row["text"], tuple(Edit.from_json(edit).short() for edit in row["edits"]))


def drawn(seed: int, count: int, left_out: Iterable[str] = ()) -> Iterator[Said]:
    """Yield the training sentences: made, the table's paraphrases, and those by hand in several manners."""
    rng = Random(seed)
    for _, said in corpus(seed, count):
        yield noisy(said, rng, (0.0, 0.0, 0.0, 0.0, 0.0, 0.03, 0.06, 0.1))
    for said in paraphrases(rng, count // 8):
        yield noisy(said, rng, TYPOS)
    hand = [said for speaker, said in by_hand() if speaker not in left_out]
    for said, times in [*((s, HAND_TIMES) for s in hand), *((s, OLDER_TIMES) for s in older())]:
        yield said
        for time in range(1, times):
            yield noisy(varied(said, rng, time), rng, TYPOS)
    for _ in range(JOINED * len(hand)):
        yield noisy(variations.joined(hand, rng), rng, TYPOS)


def varied(said: Said, rng: Random, time: int) -> Said:
    """Return a sentence by hand about something else, said by somebody else."""
    if time % 3:
        for change in (variations.swapped, variations.renumbered, variations.resectioned):
            said = change(said, rng) if rng.random() < 0.6 else said
    if time % 2:
        text = styled(said.text.rstrip(".!"), rng.choice(SPEAKERS), rng) or said.text
        said = Said(text, said.edits, said.context, said.asked)
    return said


def noisy(said: Said, rng: Random, shares: tuple[float, ...]) -> Said:
    text = misspelt(said.text, rng.choice(shares), rng)
    return Said(text or said.text, said.edits, said.context, said.asked)


def example(said: Said, features: Features) -> course.Example | None:
    """Return a sentence as rows and pieces, None where its edits cannot be pointed to (a misspelt number)."""
    context, asked = (tuple(map(Edit.read, edits)) for edits in (said.context, said.asked))
    before = tokens_of(context, asked)
    own = tokens(said.text)
    every = (*before, BAR, *own)
    try:
        pieces = pieces_of(tuple(map(Edit.read, said.edits)), every, len(before) + 1)
    except (Unsayable, ValueError):
        return None
    rows = tuple(NUMBER[p] if isinstance(p, str) else len(SYMBOLS) + p for p in pieces)
    return course.Example(features.inputs(every), rows)


def vocabulary(minilm: Path) -> tuple[list[str], int]:
    """Return the words that get a vector, those of the sentences and of the table first, and how many these are."""
    counted: Counter[str] = Counter()
    for said in [*(s for _, s in by_hand()), *older(), *(s for _, s in corpus(0, 30_000))]:
        counted.update(
            {token.text for token in tokens(said.text) if token.kind in ("word", "ordinal") and len(token.text) > 1}
        )
    common = common_words(minilm)
    seen = [word for word, times in counted.most_common() if times >= 3 and (times >= 12 or word in lexicon.english())]
    table = sorted(word for word in TABLE.known_words if word.isalpha() and len(word) > 1)
    known = list(dict.fromkeys(["", *seen, *table]))
    return list(dict.fromkeys([*known, *common])), len(known)


def vocabulary_of(minilm: Path, file: Path) -> tuple[list[str], int, NDArray[np.float32]]:
    """Return the words, how many are known, and their vectors, from the file where it is there."""
    if file.exists():
        kept = np.load(file)
        return [str(word) for word in kept["words"]], int(kept["known"]), kept["vectors"]
    words, known = vocabulary(minilm)
    vectors = word_vectors(words, minilm, VECTOR)
    vectors[0] = 0
    np.savez(file, vectors=vectors, words=np.array(words), known=known)
    return words, known, vectors


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    options.add_argument("--vectors", type=Path, default=Path("word_vectors.npz"))
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--count", type=int, default=60_000)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--seed", type=int, default=20)
    options.add_argument("--step-size", type=float, default=2.5e-3)
    options.add_argument("--further", type=Path, metavar="WEIGHTS", help="train these weights further")
    options.add_argument("--leave-out", nargs="*", default=[], help="speakers by hand that are not trained on")
    given = options.parse_args()
    torch.set_num_threads(1)
    words, known, vectors = vocabulary_of(given.minilm, given.vectors)
    features = Features(words, known)
    made = [example(said, features) for said in drawn(given.seed, given.count, given.leave_out)]
    examples = [one for one in made if one and len(one.inputs.words) <= 70]
    print(f"{len(examples)} of {len(made)} sentences, {len(words)} words", flush=True)
    model = course.Reader(len(SYMBOLS), vectors)
    if given.further:
        course.restore(model, given.further)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    meta = {"sentences": str(len(examples)), "epochs": str(given.epochs), "seed": str(given.seed)}

    def write(step: int) -> None:
        course.save(model, given.out, words, known, SYMBOLS, {**meta, "step": str(step)})

    course.train(model, examples, given.epochs, given.seed, write, given.step_size)
    write(-1)


if __name__ == "__main__":
    main()
