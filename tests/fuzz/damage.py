"""Makes damaged files from whole ones, with a seed: the same seed gives the same damage."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 200, 2**31, 2**63, 10**400, -1e308, float("nan"), float("inf")),
    *("", "\x1b]0;x\x07", "\ud800", "x" * 5_000, "../../outside", [], {}, [[[[]]]], {"a": {"b": []}}, [1, "2"]),
)


def bytes_of(whole: bytes, rng: random.Random) -> bytes:
    """Return the bytes with one to eight things changed: flipped, cut, doubled, overwritten."""
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        if not data:
            break
        at, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 16, 200))
        match rng.randrange(6):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + length] = rng.randbytes(length)
            case 2:
                del data[at : len(data) if rng.random() < 0.5 else at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                packed = struct.pack(rng.choice((">I", "<I")), rng.choice(ODD_NUMBERS))
                data[at : at + 4] = packed
            case 5:
                data[at : at + length] = bytes(length)
    return bytes(data)


def text_of(whole: str, rng: random.Random) -> bytes:
    """Return JSON or YAML text damaged as bytes are, or with a value somewhere replaced."""
    if rng.random() < 0.5:
        return bytes_of(whole.encode(), rng)
    try:
        tree = json.loads(whole)
    except ValueError:
        lines = whole.splitlines()
        at = rng.randrange(len(lines))
        name = lines[at].partition(":")[0]
        lines[at] = f"{name}: {rng.choice(ODD_VALUES)}"
        return "\n".join(lines).encode(errors="surrogatepass")
    return json.dumps(value_of(tree, rng)).encode()


def value_of(tree: Any, rng: random.Random) -> Any:
    """Return the tree with one of its values replaced by an odd one, or left out."""
    places = list(_places(tree))
    if not places:
        return rng.choice(ODD_VALUES)
    holder, key = rng.choice(places)
    if rng.random() < 0.1 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = rng.choice(ODD_VALUES)
    return tree


def _places(tree: Any) -> Any:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(pairs):
        yield tree, key
        yield from _places(value)
