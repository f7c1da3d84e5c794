"""Makes the SoundFonts that ship from those of three Debian packages: `python -m agent.assets.make_sounds --out DIR`.

band.sf3 (MIT) comes from `musescore-general-soundfont-lossless` and `fluid-soundfont-gm`, kits.sf3 (CC BY-SA 3.0) from
`avldrums.lv2-soundfont`. Silence before the attack is cut off, long tails are faded out, keys that the band does not
play are left out, every other key of the piano is taken from its neighbour, and samples become Ogg Vorbis. The same
packages give the same bytes. --root: where the packages were unpacked (`apt-get download`, `dpkg-deb -x`), default /.
At last every preset is played and measured: sounds.json has when its notes are heard and how loud they are.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.audio import measured as measures
from agent.audio.measured import TABLE
from agent.audio.synth import PartVoice, Synth
from agent.core.paths import SOUNDFONTS
from agent.sounds import soundfont
from agent.sounds.soundfont import ATTENUATION, KEYS, MODES, ROOT_KEY, SAMPLE, Font, Sample, Voices, Zone, signed, span

FOLDER = Path("usr/share/sounds/sf2")
MUSESCORE, FLUID = FOLDER / "MuseScore_General_Full.sf2", FOLDER / "FluidR3_GM.sf2"
PEARL, ZEPPELIN = FOLDER / "Black_Pearl_4_LV2.sf2", FOLDER / "Red_Zeppelin_4_LV2.sf2"
ATTACK_DB = -46.0  # of the sample's peak: what comes before is silence
PICKED_DB = -28.0  # likewise, where a pick scrapes before the string sounds
RISE_S = 0.0005  # kept before it
FADE_SHARE, FADE_MOST_S = 0.3, 0.8  # of a tail that is cut
MEASURED_AT_HZ = 48_000
OVER_DB = 6.0
SILENT_DB = -72.0  # of the peak: an unlooped tail below it is left out
KIT_KEYS = (*range(35, 60), 69, 70, 82)
TOMS = {41: (41, 0), 43: (41, 2), 45: (45, 0), 47: (45, 2), 48: (45, 4), 50: (45, 5)}  # key -> (source, semitones up)
OWN = {key: (key, 0) for key in (36, 37, 38, 39, 40, 42, 44, 49, 51, 53, 54, 55, 56, 57)}
KIT = OWN | TOMS | {35: (36, 0), 52: (57, -2), 59: (51, 0), 70: (64, 0), 69: (64, 0)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A preset of the file that ships. source: file and (bank, program) there. keys: those kept; kit: key -> (key of
    the source, semitones up), where a kit is laid out otherwise. every: each so many-th key zone is kept and stretched.
    without: names of samples that are left out, far softer than their neighbours, who are stretched over their keys.
    longest_s: of a sample. over: a preset of the same file that sounds with it, OVER_DB softer: a tine that is heard
    the more, the harder a key is struck."""

    name: str
    number: tuple[int, int]
    source: Path
    preset: tuple[int, int]
    longest_s: float = 4.0
    keys: tuple[int, ...] = tuple(range(28, 104))
    every: int = 1
    over: tuple[int, int] | None = None
    attack_db: float = ATTACK_DB
    kit: Mapping[int, tuple[int, int]] | None = None
    without: tuple[str, ...] = ()


def _gm_kit(name: str, program: int) -> Recipe:
    return Recipe(name, (128, program), MUSESCORE, (128, program), 3.0, KIT_KEYS)


BAND = (
    Recipe("Grand Piano", (0, 0), MUSESCORE, (0, 1), 4.5, tuple(range(28, 97)), every=3),
    Recipe("Electric Piano", (0, 4), MUSESCORE, (0, 4), 6.0, over=(0, 5)),
    Recipe("FM Piano", (0, 5), MUSESCORE, (0, 5), 4.0),
    Recipe("Clavinet", (0, 7), MUSESCORE, (0, 7)),
    Recipe("Vibraphone", (0, 11), MUSESCORE, (0, 11), without=("Vibraphone A6", "Vibraphone C#7", "Vibraphone E7")),
    Recipe("Drawbar Organ", (0, 16), MUSESCORE, (0, 16)),
    Recipe("Percussive Organ", (0, 17), MUSESCORE, (0, 17), 3.5),
    Recipe("Rock Organ", (0, 18), MUSESCORE, (0, 18), 3.5),
    Recipe("Nylon Guitar", (0, 24), MUSESCORE, (0, 24), attack_db=PICKED_DB),
    Recipe("Jazz Guitar", (0, 26), MUSESCORE, (0, 26), attack_db=PICKED_DB),
    Recipe("Clean Guitar", (0, 27), MUSESCORE, (0, 27), attack_db=PICKED_DB),
    Recipe("Muted Guitar", (0, 28), MUSESCORE, (0, 28), attack_db=PICKED_DB),
    Recipe("Acoustic Bass", (0, 32), MUSESCORE, (0, 32)),
    Recipe("Fingered Bass", (0, 33), MUSESCORE, (0, 33)),
    Recipe("Fretless Bass", (0, 35), MUSESCORE, (0, 35)),
    Recipe("Flute", (0, 73), MUSESCORE, (0, 73)),
    Recipe("Synth Lead", (0, 81), FLUID, (0, 81)),
    Recipe("Warm Pad", (0, 89), FLUID, (0, 89)),
    _gm_kit("Standard Kit", 0),
    _gm_kit("Electronic Kit", 24),
    _gm_kit("808 Kit", 25),
    _gm_kit("Jazz Kit", 32),
    _gm_kit("Brushes", 40),
)
KITS = (
    Recipe("Dry Kit", (128, 8), PEARL, (0, 0), 2.2, kit=KIT | {46: (46, 0)}),
    Recipe("Rock Kit", (128, 16), ZEPPELIN, (0, 0), 3.2, kit=KIT | {46: (48, 0)}),
)
BAND_INFO = {
    b"INAM": soundfont.text("Antiphon band"),
    b"ICOP": soundfont.text("Frank Wen, Michael Cowgill, S. Christian Collins and others; MIT, parts PD or CC0"),
    b"ICMT": soundfont.text("Cut from MuseScore_General and FluidR3 GM; see LICENSE-soundfont.txt"),
}
KITS_INFO = {
    b"INAM": soundfont.text("Antiphon kits"),
    b"ICOP": soundfont.text("Glen MacArthur, Robin Gareus; CC BY-SA 3.0"),
    b"ICMT": soundfont.text("Cut from the AVL Drumkits Black Pearl and Red Zeppelin; see LICENSE-soundfont.txt"),
}


def make(recipes: tuple[Recipe, ...], root: Path, info: dict[bytes, bytes]) -> Font:
    """Return the font of these recipes. Raises NotASoundFont, OSError, and KeyError for a preset that is missing."""
    sources = {source: soundfont.read(root / source) for source in dict.fromkeys(r.source for r in recipes)}
    presets: list[Voices] = []
    instruments: list[Voices] = []
    samples: list[Sample] = []
    placed: dict[tuple[Path, int, float], int] = {}  # (file, sample, longest) -> new index
    for recipe in recipes:
        source = sources[recipe.source]
        found = {p.number: p for p in source.presets}
        over = _softer(found[recipe.over]) if recipe.over else ()
        zones = []
        for number, zone in enumerate((*found[recipe.preset].zones, *over)):
            index = zone.get(soundfont.INSTRUMENT)
            if index is None:
                zones.append(zone)
                continue
            for wide, own in _instruments(source.instruments[index], zone, recipe, source):
                moved = tuple(_placed(z, recipe, source, placed, samples) for z in own)
                instruments.append(Voices(f"{recipe.name} {number}", moved))
                zones.append(wide.with_(soundfont.INSTRUMENT, len(instruments) - 1))
        presets.append(Voices(recipe.name, tuple(zones), recipe.number))
    return Font(tuple(presets), tuple(instruments), tuple(samples), info)


def _softer(preset: Voices) -> tuple[Zone, ...]:
    """Return a preset's zones, OVER_DB softer, each with what the preset says of all of them."""
    whole = preset.zones[0] if preset.zones[0].get(soundfont.INSTRUMENT) is None else Zone(())
    zones = []
    for zone in preset.zones:
        if zone.get(soundfont.INSTRUMENT) is not None:
            for kind, amount in whole.generators:
                zone = zone if zone.get(kind) is not None else zone.with_(kind, amount)
            own = (zone.get(ATTENUATION) or 0) + round(10 * OVER_DB)
            zone = zone.with_(ATTENUATION, signed(own))
            zones.append(replace(zone, modulators=zone.modulators + whole.modulators))
    return tuple(zones)


def _instruments(voices: Voices, zone: Zone, recipe: Recipe, source: Font) -> list[tuple[Zone, list[Zone]]]:
    """Return (preset zone, its instrument's zones) for each that the recipe keeps of one preset zone."""
    low, high = zone.range_of(KEYS)
    if recipe.kit is None:
        kept = [k for k in recipe.keys if low <= k <= high]
        whole = _without(voices.zones, recipe.without, source)
        zones = _thinned([z for z in whole if _reaches(z, kept)], recipe.every)
        return [(zone, zones)] if any(z.get(SAMPLE) is not None for z in zones) else []
    found = []
    for key, (of, up) in recipe.kit.items():
        if low <= of <= high:
            zones = [_on_key(z, key, of, up, source) for z in voices.zones if _reaches(z, [of])]
            if any(z.get(SAMPLE) is not None for z in zones):
                found.append((zone.with_(KEYS, span(key, key)), zones))
    return found


def _reaches(zone: Zone, keys: list[int]) -> bool:
    low, high = zone.range_of(KEYS)
    return zone.get(SAMPLE) is None or any(low <= key <= high for key in keys)


def _on_key(zone: Zone, key: int, of: int, up: int, source: Font) -> Zone:
    """Return a kit's zone laid on another key, sounding `up` semitones higher."""
    if zone.get(SAMPLE) is None:
        return zone if zone.get(ROOT_KEY) is None else zone.with_(ROOT_KEY, key - up)
    moved = zone.with_(KEYS, span(key, key))
    return moved if zone.get(ROOT_KEY) is None else moved.with_(ROOT_KEY, key - up)


def _without(zones: Sequence[Zone], names: tuple[str, ...], source: Font) -> list[Zone]:
    """Return the zones without those of these samples; their neighbours share the keys between them."""
    if not names:
        return list(zones)
    named = [(zone, zone.get(SAMPLE)) for zone in zones]
    kept = [zone for zone, at in named if at is not None and source.samples[at].name not in names]
    kept.sort(key=lambda zone: zone.range_of(KEYS))
    out = [zone for zone, at in named if at is None]
    for i, zone in enumerate(kept):
        low, high = zone.range_of(KEYS)
        if i:
            low -= (low - kept[i - 1].range_of(KEYS)[1] - 1) // 2
        if i + 1 < len(kept):
            high += (kept[i + 1].range_of(KEYS)[0] - high) // 2
        out.append(zone.with_(KEYS, span(low, high)))
    return out


def _thinned(zones: list[Zone], every: int) -> list[Zone]:
    """Return each so many-th key range's zones, widened over those left out."""
    if every == 1:
        return zones
    sounding = [z for z in zones if z.get(SAMPLE) is not None]
    ranges = sorted({z.range_of(KEYS) for z in sounding})
    wide = {}
    for at in range(0, len(ranges), every):
        group = ranges[at : at + every]
        wide[group[len(group) // 2]] = span(group[0][0], group[-1][1])
    kept = [z.with_(KEYS, wide[z.range_of(KEYS)]) for z in sounding if z.range_of(KEYS) in wide]
    return [z for z in zones if z.get(SAMPLE) is None] + kept


def _placed(
    zone: Zone, recipe: Recipe, source: Font, placed: dict[tuple[Path, int, float], int], samples: list[Sample]
) -> Zone:
    """Return a zone with its sample in the new font; a loop that was cut off is switched off."""
    index = zone.get(SAMPLE)
    if index is None:
        return zone
    pair = (index, source.samples[index].partner) if source.samples[index].kind & 6 else (index,)
    key = (recipe.source, index, recipe.longest_s)
    if key not in placed:
        cut = _cut_together([source.samples[i] for i in pair], recipe)
        for at, i in enumerate(pair):
            placed[recipe.source, i, recipe.longest_s] = len(samples) + at
        first = len(samples)
        samples += [replace(s, partner=first + (1 - at) if len(pair) > 1 else 0) for at, s in enumerate(cut)]
    new = placed[key]
    zone = zone.with_(SAMPLE, new)
    looped = samples[new].loop[1] > samples[new].loop[0]
    return zone if looped else zone.with_(MODES, 0)


def _cut_together(samples: list[Sample], recipe: Recipe) -> list[Sample]:
    """Return one sample, or both sides of a pair, without silence before and without what lies after longest_s."""
    longest_s = recipe.longest_s
    sounds = [np.asarray(s.pcm, np.float64) for s in samples]
    rate, n = samples[0].rate, min(map(len, sounds))
    size = np.max([np.abs(sound[:n]) for sound in sounds], axis=0)
    peak = max(float(size.max(initial=0.0)), 1.0)
    start = int(np.argmax(size >= peak * 10 ** (recipe.attack_db / 20)))
    start = max(start - round(RISE_S * rate), 0)
    loops_from = [s.loop[0] - round(RISE_S * rate) for s in samples if s.loop[1] > s.loop[0] + 8]
    start = max(min([start, *loops_from]), 0)
    loops = all(s.loop[1] > s.loop[0] + 8 for s in samples)
    if loops and max(s.loop[1] for s in samples) - start <= longest_s * rate:
        end, fade = n, 0
    else:
        above = np.nonzero(size >= peak * 10 ** (SILENT_DB / 20))[0]
        end = min(int(above[-1]) + 1 if len(above) else n, start + round(longest_s * rate))
        fade, loops = min(round(FADE_SHARE * (end - start)), round(FADE_MOST_S * rate)), False
    out = []
    for sample, sound in zip(samples, sounds, strict=True):
        cut = sound[start:end].copy()
        if start:
            rise = min(round(RISE_S * rate), len(cut))
            cut[:rise] *= np.arange(rise) / rise
        if fade:
            cut[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)
        loop = (sample.loop[0] - start, sample.loop[1] - start) if loops else (0, 0)
        out.append(replace(sample, pcm=np.round(cut).astype(np.int16), loop=loop))
    return out


def measured(folder: Path) -> dict[str, measures.Font]:
    """Return the table of agent/audio/measured.py for the SoundFonts in a folder."""
    table = dict[str, measures.Font]()
    for name in SOUNDFONTS:
        path = folder / name
        numbers = sorted(soundfont.presets_of(path))
        first = PartVoice("x", 0, numbers[0][1], numbers[0][0])
        synth = Synth(path, MEASURED_AT_HZ, [first], numbers, trusts_table=False)
        rows = {f"{bank}:{program}": synth.measured((bank, program)).to_json() for bank, program in numbers}
        synth.close()
        table[name] = {"bytes": path.stat().st_size, "presets": rows}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    given = parser.parse_args()
    for name, recipes, info in (("band.sf3", BAND, BAND_INFO), ("kits.sf3", KITS, KITS_INFO)):
        font = make(recipes, given.root, info)
        soundfont.write(given.out / name, font, compressed=True)
        raw = sum(2 * len(s.pcm) for s in font.samples if s.pcm is not None)
        size = (given.out / name).stat().st_size
        print(
            f"{name}: {len(font.presets)} presets, {len(font.samples)} samples, {size / 1e6:.1f} of {raw / 1e6:.1f} MB"
        )
    rows = json.dumps(measured(given.out), separators=(",", ":"))
    (given.out / TABLE).write_text(rows + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
