"""Names the instruments the band can play, by General MIDI's numbers, and says which a style gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

DRUM_BANK = 128  # of SoundFonts
OWN = "your bass"  # the player's own sound (agent/sounds/own_voice.py)


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument. preset: (bank, program), 128 = drum kits. words: other names a player has for it. bright_db: above
    3 kHz in the mix, for what was recorded dark."""

    name: str
    preset: tuple[int, int]
    words: tuple[str, ...] = ()
    bright_db: float = 0.0

    @property
    def is_kit(self) -> bool:
        return self.preset[0] == DRUM_BANK


_KITS = (
    Instrument("standard kit", (DRUM_BANK, 0), ("general midi kit",)),
    Instrument("dry kit", (DRUM_BANK, 8), ("funk kit", "studio kit", "tight kit", "dry drums", "acoustic"), 4.0),
    Instrument("rock kit", (DRUM_BANK, 16), ("big kit", "fat kit", "rock drums", "power kit", "fat"), 4.0),
    Instrument("electronic kit", (DRUM_BANK, 24), ("electronic drums", "drum machine", "electronic", "house kit")),
    Instrument("808 kit", (DRUM_BANK, 25), ("808", "an 808", "trap kit", "hip hop kit")),
    Instrument("jazz kit", (DRUM_BANK, 32), ("jazz drums", "sticks")),
    Instrument("brushes", (DRUM_BANK, 40), ("brush kit", "brushed drums", "brush")),
)
_PITCHED = (
    Instrument("piano", (0, 0), ("grand piano", "acoustic piano", "grand", "upright piano", "acoustic", "pianos"), 6.0),
    Instrument(
        "rhodes", (0, 4), ("electric piano", "fender rhodes", "ep", "e piano", "epiano", "wurlitzer", "wurli"), 4.0
    ),
    Instrument("fm piano", (0, 5), ("dx7", "dx piano", "digital piano", "electronic")),
    Instrument("clavinet", (0, 7), ("clav",)),
    Instrument("vibraphone", (0, 11), ("vibes", "vibe")),
    Instrument("drawbar organ", (0, 16), ("soft organ",)),
    Instrument("organ", (0, 17), ("hammond", "b3", "hammond organ", "percussive organ")),
    Instrument("rock organ", (0, 18), ("dirty organ", "leslie organ")),
    Instrument("nylon guitar", (0, 24), ("acoustic guitar", "classical guitar", "spanish guitar")),
    Instrument("jazz guitar", (0, 26), ("archtop", "hollow body")),
    Instrument("clean guitar", (0, 27), ("guitar", "electric guitar", "strat", "guitars")),
    Instrument("muted guitar", (0, 28), ("palm muted guitar", "funk guitar", "chicken scratch")),
    Instrument("flute", (0, 73), ()),
    Instrument("synth lead", (0, 81), ("synth", "saw lead", "lead synth", "fat", "synthesizer")),
    Instrument("pad", (0, 89), ("warm pad", "pads", "synth pad")),
)
INSTRUMENTS: Mapping[str, Instrument] = {one.name: one for one in (*_KITS, *_PITCHED)}
STYLE_SOUNDS: Mapping[str, tuple[str, str, str]] = {  # style -> drums, chords, line
    "rock": ("rock kit", "rock organ", "clean guitar"),
    "metal": ("rock kit", "rock organ", "synth lead"),
    "funk": ("dry kit", "clavinet", "muted guitar"),
    "jazz": ("brushes", "piano", "vibraphone"),
    "latin": ("dry kit", "piano", "flute"),
    "hiphop": ("808 kit", "rhodes", "vibraphone"),
    "soul": ("dry kit", "rhodes", "clean guitar"),
    "blues": ("dry kit", "organ", "jazz guitar"),
    "country": ("dry kit", "nylon guitar", "clean guitar"),
    "pop": ("dry kit", "piano", "clean guitar"),
    "dance": ("electronic kit", "fm piano", "synth lead"),
    "ballad": ("dry kit", "piano", "vibraphone"),
}
USUAL = ("rock kit", "piano", "vibraphone")  # where no style is known
OFTEN = ("dry kit",)  # large, and most styles have it: it is read as soon as the band plays
PARTS = ("drums", "chords", "line")
_SAID = {word: one.name for one in _PITCHED for word in (*one.words, one.name)}
_SAID_OF_KITS = {word: one.name for one in _KITS for word in (*one.words, one.name)}
ARTICLES = re.compile(r"^(?:an?|the|some|my|your|with|on)\s+")


def named(words: str | None, part: str) -> str | None:
    """Return the instrument that a player's words name for a part, None where the band has none such."""
    text = ARTICLES.sub("", re.sub(r"[-_ ]+", " ", (words or "").lower()).strip())
    if part != "drums" and text in (OWN, "own", "my sound", "bass", "my bass", "own sound"):
        return OWN
    said = _SAID_OF_KITS if part == "drums" else _SAID
    return said.get(text) or said.get(text.removesuffix(" sound"))


def of_style(style: str | None) -> dict[str, str]:
    """Return part -> instrument of a style of the song plan; the usual ones where it is unknown."""
    return dict(zip(PARTS, STYLE_SOUNDS.get(style or "", USUAL), strict=True))


def pairs_read(given: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Return instrument -> (bank, program) of a map such as {"rhodes": "8:4"}.

    Raises ValueError, in one line, for an instrument or a pair that cannot be.
    """
    found = {}
    for name, pair in given.items():
        match = re.fullmatch(r"(\d{1,5}):(\d{1,3})", str(pair))
        if name not in INSTRUMENTS:
            raise ValueError(f"no instrument {str(name)[:30]!r}; `antiphon sounds list` names them")
        if not match or int(match[2]) > 127:
            raise ValueError(f"{name}: {str(pair)[:20]!r}; a bank and a program such as 0:4 are allowed (128 = kits)")
        found[name] = (int(match[1]), int(match[2]))
    return found
