"""Says what a revision changed: what was decided and played in the song before, beside that of the song now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from agent.core.music_names import key_name
from agent.making.song_maker import Song
from agent.takes.performance import PIECE_OF_KEY, notes_of
from models.music.dials import NUMBERS

NONE = "none"
RIFF = "the riff of the "  # of these it is said only that they are others: their notes stand in the account


def facts(song: Song) -> dict[str, str]:
    """Return what is decided and played in a song, by name, in words that can be laid beside those of another."""
    settings = song.take.settings
    seconds = round(song.seconds)
    said = {
        "tempo": f"{song.quarter_bpm:g} quarters a minute",
        "key": key_name(song.key),
        "meter": " ".join(dict.fromkeys(str(meter) for meter in song.form.meters)),
        "length": f"{len(song.form.meters)} bars, {seconds // 60}:{seconds % 60:02d}",
        "sections": ", ".join(part.name for part in song.form.parts),
        "style": settings[0].dials.style or "",
        "swing": f"{settings[0].swing:.2f}" if settings[0].swing else "straight",
    }
    for name in NUMBERS:
        values = [value for one in settings if (value := getattr(one.dials, name)) is not None]
        if values:
            said[f"{name}, 0 to 1"] = f"{sum(values) / len(values):.2f}"
    said |= {f"the sound of the {part}": name for one in settings for part, name in one.sounds.items()}
    for voice in sorted({voice for one in settings for voice in one.level_db}):
        mean = sum(one.level_db.get(voice, 0.0) for one in settings) / len(settings)
        said[f"the level of the {_plain(voice)}"] = f"{mean:+.1f} dB"
    said |= {f"notes of the {_plain(voice)}": str(count) for voice, count in _counts(song).items()}
    return said | {f"{RIFF}{role}": str([bar.notes for bar in riff]) for role, riff in song.themes.riffs.items()}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each fact that is another one than before."""
    for name in dict.fromkeys((*now, *before)):
        was, is_now = before.get(name, NONE), now.get(name, NONE)
        if was == is_now:
            continue
        if name.startswith(RIFF) and NONE not in (was, is_now):
            yield f"{name} is another"
        elif name.startswith(RIFF):
            yield f"{name} is {'new' if was == NONE else 'gone'}"
        else:
            yield f"{name}: {is_now}, before {was}"


def _counts(song: Song) -> Counter[str]:
    """Return how many notes each part and each piece of the drums plays."""
    counts: Counter[str] = Counter()
    for part, notes in sorted(notes_of(song.take, None).items()):
        counts.update(PIECE_OF_KEY.get(note.pitch, part) if part == "drums" else part for note in notes)
    return counts


def _plain(voice: str) -> str:
    return voice.replace("_", " ")
