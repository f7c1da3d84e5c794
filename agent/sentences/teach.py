"""Teaches the reader: `python -m agent.sentences.teach --minilm FOLDER` draws the sentences and writes its weights.

--vectors FILE keeps the word vectors between runs. --further WEIGHTS goes on from weights, or from the mean of several (a
file that is named twice counts twice), and keeps their word vectors: words that are new get theirs on the same axes. With
--new, files of sentences by hand that these weights have not seen, the course is made of those, of a share of the others
and of some that are drawn. With --epochs 0 the mean is written as it is. A course that was broken off goes on from
OUT.state. Held-out sentences (benchmarks/held_out_sentences.jsonl) are never read here.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
from agent.sentences.said import Said, of_file
from agent.sentences.speakers import SPEAKERS, misspelt, styled
from agent.sentences.table import paraphrases
from models.reader import course
from models.reader.network import VECTOR
from models.reader.word_vectors import common_words, stored_words, vectors_beside, word_vectors

SENTENCES = Path(__file__).resolve().parents[2] / "benchmarks" / "sentences.jsonl"
TYPOS = (0.0, 0.0, 0.0, 0.02, 0.05, 0.1)  # shares of letters
HAND_TIMES, OLDER_TIMES, JOINED = 4, 5, 2  # how often those by hand, the older ones and two of them in one come
NEW_TIMES = 3  # how often those come that are new in a further course


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


def renewed(seed: int, count: int, new: Sequence[Said], share: float, joined: int) -> Iterator[Said]:
    """Yield the sentences of a further course: the new ones NEW_TIMES times in several manners, a share of the others
    by hand and of the older ones in one, `joined` of two in one (every other one with a new one among them), `count`
    drawn ones and an eighth as many paraphrases of the table."""
    rng = Random(seed)
    for _, said in corpus(seed, count):
        yield noisy(said, rng, TYPOS)
    for said in paraphrases(rng, count // 8):
        yield noisy(said, rng, TYPOS)
    for said in new:
        yield said
        for time in range(1, NEW_TIMES):
            yield noisy(varied(said, rng, time), rng, TYPOS)
    hand = [said for _, said in by_hand()]
    fresh = set(new)
    for said in [*(one for one in hand if one not in fresh), *older()]:
        if rng.random() < share:
            yield noisy(varied(said, rng, rng.randrange(3)), rng, TYPOS)
    for number in range(joined):
        yield noisy(variations.joined(new if number % 2 else hand, rng), rng, TYPOS)


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


def grown(minilm: Path, weights: Path) -> tuple[list[str], int, NDArray[np.float32]]:
    """Return the words of weights and those that have come since, how many are known, and their vectors."""
    words, known, vectors = stored_words(weights)
    now, known_now = vocabulary(minilm)
    every = list(dict.fromkeys([*words[:1], *now[1:known_now], *words[1:known], *words[known:], *now]))
    row = {word: at for at, word in enumerate(words)}
    new = [word for word in every if word not in row]
    beside = vectors_beside(new, words, vectors, minilm) if new else vectors[:0]
    at = {word: number for number, word in enumerate(new)}
    rows = [vectors[row[word]] if word in row else beside[at[word]] for word in every]
    return every, len({*now[:known_now], *words[:known]}), np.array(rows, np.float32)


def mean(model: course.Reader, weights: Sequence[Path]) -> None:
    """Load the mean of weights. They must come of one beginning; the word vectors stay those of the model."""
    kept: list[dict[str, torch.Tensor]] = []
    for path in weights:
        course.restore(model, path)
        kept.append({name: value.clone() for name, value in model.state_dict().items()})
    model.load_state_dict({name: torch.stack([one[name] for one in kept]).mean(0) for name in kept[0]})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    options.add_argument("--vectors", type=Path, default=Path("word_vectors.npz"))
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--count", type=int, default=60_000)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--seed", type=int, default=20)
    options.add_argument("--step-size", type=float, default=2.5e-3)
    options.add_argument(
        "--further", type=Path, nargs="+", metavar="WEIGHTS", help="train these further, or their mean"
    )
    options.add_argument(
        "--new", nargs="*", default=[], metavar="NAME", help="files by hand that WEIGHTS have not seen, such as said_31"
    )
    options.add_argument("--share", type=float, default=0.6, help="of the other sentences by hand, with --new")
    options.add_argument("--joined", type=int, default=2000, help="sentences of two in one, with --new")
    options.add_argument("--leave-out", nargs="*", default=[], help="speakers by hand that are not trained on")
    given = options.parse_args()
    torch.set_num_threads(1)
    if given.further and not given.epochs:  # their mean, nothing learned
        words, known, vectors = stored_words(given.further[0])
    elif given.further:
        words, known, vectors = grown(given.minilm, given.further[0])
    else:
        words, known, vectors = vocabulary_of(given.minilm, given.vectors)
    features = Features(words, known)
    new = [said for name in given.new for said in of_file(name)]
    sentences = (
        renewed(given.seed, given.count, new, given.share, given.joined)
        if new
        else drawn(given.seed, given.count, given.leave_out)
    )
    made = [example(said, features) for said in sentences] if given.epochs else []
    examples = [one for one in made if one and len(one.inputs.words) <= 70]
    print(f"{len(examples)} of {len(made)} sentences, {len(words)} words", flush=True)
    model = course.Reader(len(SYMBOLS), vectors)
    if given.further:
        mean(model, given.further)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    meta = {"sentences": str(len(examples)), "epochs": str(given.epochs), "seed": str(given.seed)}

    def write(step: int) -> None:
        course.save(model, given.out, words, known, SYMBOLS, {**meta, "step": str(step)})

    state = given.out.with_suffix(".state")
    course.train(model, examples, given.epochs, given.seed, write, given.step_size, state)
    write(-1)
    state.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
