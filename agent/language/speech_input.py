"""Recognises a spoken sentence of a small grammar. Needs the extra `[voice]` (pocketsphinx).

Recognition runs on this machine. The grammar (JSGF) is built from the table of terms (agent/language/vocabulary.py):
agent/language/parser.py understands whatever it can express. Samples are float32 in [-1, 1], mono, 16 kHz.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import UserError
from agent.language.vocabulary import TERMS
from agent.language.word_lists import WHO

if TYPE_CHECKING:
    from pocketsphinx import Decoder

SAMPLE_RATE = 16_000
DITHER = 1e-4  # digital silence has no logarithm to parse by
VAD_STRICT, AROUND_S = 2, 0.25  # of voice activity detection; what is kept beside the voice
LONGEST_S = 12.0  # a held key records no longer than this
LISTS = {
    "also": ["lay back", "push it", "swing it", "slow down", "speed up", "calm down", "tighten up", "leave space",
             "vary it", "half time", "double time", "drop out", "come back in", "build", "answer me",
             "repeat the hook", "add a bar", "play it straight", "trip hop"],
    "never": ["resolve it", "swing it", "speed up", "slow down", "fill", "touch it"],
    "quality": ["loud", "quiet", "busy", "bright", "dark", "dry", "high", "low", "fast", "slow", "straight", "present"],
    "noun": ["tension", "swing", "reverb", "energy", "volume", "dissonance", "syncopation"],
    "number": ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "sixteen"],
    "section": ["verse", "chorus", "bridge", "intro", "outro"],
    "takes": ["the first take", "the last take", "take two", "take three"],
    "beats": ["seven eight", "five four", "three four", "four four", "six eight"],
    "who": [names.split(",")[0] for names in WHO.values()],
}  # fmt: skip
NO_EXTRA = "voice needs pocketsphinx, which is not installed; try: pip install 'antiphon[voice]'"

RULES = """#JSGF V1.0;
grammar antiphon;
public <said> = [please] <order> [<where>] | <take>;
<order> = (more | less | mute the | only the) <who> | turn the <who> (up | down) | (more | less) <noun> | <also>
  | the <who> is too <quality> | make the <who> <comparative> | <comparative> | <feature> | no <feature>
  | do not <never> | <beats> in bar <number> | back to <beats>;
<take> = undo that | keep that | go back to that | like <takes> | go back to <takes> | keep <takes>;
<where> = in bar <number> | from here on | until i say | in the <section> | for the next <number> bars;
"""


def available() -> bool:
    """Whether pocketsphinx is there."""
    try:
        import pocketsphinx  # noqa: F401
    except ImportError:
        return False
    return True


def grammar(knows: Callable[[str], bool] = lambda word: True) -> str:
    """JSGF of what can be said; phrases with a word that `knows` refuses are left out."""
    alternatives = LISTS | {"comparative": _names("comparative"), "feature": _names("feature")}
    return RULES + "".join(
        f"<{name}> = {' | '.join(_sayable(phrases, knows))};\n" for name, phrases in alternatives.items()
    )


def _names(column: str) -> list[str]:
    """Terms that can be called by their own name."""
    return [term.name for term in TERMS if term.name in term.phrases(column) and re.fullmatch(r"[a-z ]+", term.name)]


def _sayable(phrases: Iterable[str], knows: Callable[[str], bool]) -> list[str]:
    return [phrase for phrase in phrases if all(knows(word) for word in phrase.split())]


@cache
def _decoder() -> tuple[Decoder, re.Pattern[str]]:
    """The decoder and what a whole sentence is, loaded once (about a second). Raises UserError without the extra."""
    if not available():
        raise UserError(NO_EXTRA)
    from pocketsphinx import Decoder

    plain = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", lm=None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "antiphon.gram"
        rules = grammar(lambda word: plain.lookup_word(word) is not None)
        path.write_text(rules)
        return Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", lm=None, jsgf=str(path)), sentences(rules)


def sentences(rules: str) -> re.Pattern[str]:
    """Return what matches a whole sentence of a JSGF grammar whose public rule is <said>, a space after each word."""
    bodies = dict(re.findall(r"<(\w+)> = ([^;]+);", rules))
    brackets = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|"}

    def pattern(name: str) -> str:
        tokens = re.findall(r"<\w+>|[\[\]()|]|[\w']+", bodies[name])
        return f"(?:{''.join(pattern(t[1:-1]) if t[0] == '<' else brackets.get(t, t + ' ') for t in tokens)})"

    return re.compile(pattern("said"))


def words_of(samples: NDArray[np.float32]) -> str:
    """The sentence of the grammar that was said, "" when none was, or only a part of one. Raises UserError without the
    extra.

    The silence around it is cut off first (pocketsphinx's voice activity detection): the decoder reads words into it.
    """
    decoder, whole = _decoder()
    dithered = samples + DITHER * np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    spoken = _spoken((np.clip(dithered, -1, 1) * 32767).astype("<i2"))
    if not len(spoken):
        return ""
    decoder.start_utt()
    decoder.process_raw(spoken.tobytes(), full_utt=True)
    decoder.end_utt()
    best = decoder.hyp()
    words = str(best.hypstr) if best is not None else ""
    return words if whole.fullmatch(words + " ") else ""


def _spoken(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return from a little before the first voice to a little after the last; [] without any."""
    from pocketsphinx import Vad

    vad = Vad(VAD_STRICT, SAMPLE_RATE)
    n = vad.frame_bytes // 2
    voiced = [at for at in range(0, len(samples) - n + 1, n) if vad.is_speech(samples[at : at + n].tobytes())]
    around = round(AROUND_S * SAMPLE_RATE)
    return samples[max(voiced[0] - around, 0) : voiced[-1] + n + around] if voiced else samples[:0]


def record(held: Callable[[], bool], device: int | str | None = None) -> NDArray[np.float32]:
    """The microphone while `held()`, at most LONGEST_S. Blocks; never call it where sound is made."""
    import sounddevice

    blocks: list[NDArray[np.float32]] = []
    block_samples = SAMPLE_RATE // 20
    with sounddevice.InputStream(SAMPLE_RATE, block_samples, device, 1, "float32") as stream:
        while held() and len(blocks) * block_samples < LONGEST_S * SAMPLE_RATE:
            blocks.append(stream.read(block_samples)[0][:, 0])
    return joined(blocks)


def joined(blocks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
