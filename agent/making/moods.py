"""What words of mood, of tempo and of scenes ask for, as tables: numbers that a song is made by.

A mood is a place in the plane of valence and arousal (Russell 1980). How tempo, mode, density, loudness, register and
articulation follow from it is what listeners and players agree on (Juslin & Laukka 2004, table 1; Gabrielsson &
Lindstroem 2010).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mood:
    """A mood. valence: sad to glad, arousal: calm to excited, both -1 to 1; tension: added to what follows from them;
    low: semitones that the bass lies lower; minor: chance of a minor key, None = by valence; steady: how little varies.
    """

    valence: float
    arousal: float
    words: tuple[str, ...]
    tension: float = 0.0
    low: float = 0.0
    minor: float | None = None
    steady: float = 0.0


MOODS: Mapping[str, Mood] = {
    "calm": Mood(
        0.5,
        -0.85,
        (
            "calm",
            "calming",
            "peaceful",
            "relaxed",
            "relaxing",
            "serene",
            "quiet",
            "ambient",
            "restful",
            "gentle",
            "soothing",
            "sleepy",
        ),
        minor=0.1,
    ),
    "focus": Mood(
        0.0,
        -0.2,
        ("focus", "focused", "concentration", "study", "studying", "work", "working", "steady", "background"),
        minor=0.5,
        steady=0.6,
    ),
    "drive": Mood(
        -0.1,
        0.9,
        (
            "drive",
            "driving",
            "energetic",
            "energy",
            "running",
            "workout",
            "pumping",
            "urgent",
            "relentless",
            "powerful",
            "intense",
        ),
        minor=0.85,
    ),
    "dark": Mood(
        -0.7,
        0.05,
        (
            "dark",
            "gloomy",
            "brooding",
            "ominous",
            "sinister",
            "menacing",
            "noir",
            "bleak",
            "murky",
            "haunting",
            "late at night",
            "late night",
            "night",
        ),
        tension=0.2,
        low=4.0,
        minor=1.0,
    ),
    "joyful": Mood(
        0.95,
        0.65,
        (
            "joyful",
            "happy",
            "cheerful",
            "glad",
            "merry",
            "sunny",
            "upbeat",
            "playful",
            "bright",
            "euphoric",
            "celebratory",
            "optimistic",
            "summer",
        ),
        minor=0.0,
    ),
    "sad": Mood(
        -0.75,
        -0.8,
        (
            "sad",
            "sorrowful",
            "melancholic",
            "melancholy",
            "mournful",
            "lonely",
            "heartbroken",
            "grieving",
            "wistful",
            "blue",
            "longing",
        ),
        minor=1.0,
    ),
    "tender": Mood(0.6, -0.6, ("tender", "warm", "loving", "romantic", "soft", "intimate", "nostalgic"), minor=0.2),
    "dreamy": Mood(0.3, -0.55, ("dreamy", "floating", "hazy", "ethereal", "spacey", "hypnotic"), minor=0.4),
    "angry": Mood(-0.8, 0.9, ("angry", "aggressive", "furious", "brutal", "violent", "raging"), 0.25, 2.0, 1.0),
    "tense": Mood(
        -0.5, 0.45, ("tense", "anxious", "nervous", "suspenseful", "suspense", "uneasy", "restless"), 0.35, 0.0, 0.95
    ),
    "epic": Mood(0.3, 0.6, ("epic", "heroic", "triumphant", "anthemic", "soaring", "cinematic"), minor=0.6),
}
SPREAD = 0.12  # how far two songs of one mood lie apart, in arousal


@dataclass(frozen=True, slots=True)
class Cues:
    """What follows from a mood, dials 0 to 1. bpm: of quarters; length: share of the way to the next note that a bass
    note lasts."""

    bpm: float
    minor: float
    density: float
    intensity: float
    register: float
    tension: float
    resolution: float
    syncopation: float
    surprise: float
    length: float
    home: float


def cues_of(mood: Mood, luck: float = 0.0) -> Cues:
    """Return the cues of a mood. luck: -1 to 1, which of its songs."""
    v, a = mood.valence, min(max(mood.arousal + SPREAD * luck, -1.0), 1.0)

    def dial(value: float) -> float:
        return min(max(value, 0.02), 0.98)

    return Cues(
        bpm=98 + 42 * a + 5 * v,
        minor=mood.minor if mood.minor is not None else dial(0.5 - 0.5 * v),
        density=dial(0.5 + 0.42 * a),
        intensity=dial(0.5 + 0.45 * a),
        register=dial(0.5 + 0.28 * v + 0.12 * a - 0.06 * mood.low),
        tension=dial(0.5 - 0.25 * v + mood.tension),
        resolution=dial(0.5 + 0.3 * v),
        syncopation=dial(0.48 + 0.12 * a),
        surprise=dial(0.3 - 0.2 * mood.steady),
        length=0.95 - 0.2 * max(a, 0.0),
        home=36.0 + 2.0 * v - mood.low,
    )


PLAIN = Mood(0.0, 0.1, ())


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene, a place or a kind of music. style: of the band's; bpm: of quarters; minor: chance of a minor key; meter:
    its own, "" = none; edits: in short form, beside what the vocabulary says of the words."""

    words: tuple[str, ...]
    style: str
    bpm: tuple[float, float]
    minor: float = 0.5
    meter: str = ""
    edits: tuple[str, ...] = ()


SCENES: tuple[Scene, ...] = (
    Scene(
        ("bristol", "trip hop", "trip-hop", "triphop", "massive attack", "portishead"),
        "hiphop",
        (80, 98),
        0.95,
        edits=("feel.timing less ~small", "kick.level more ~small", "harmony.resolution off", "band.reverb more"),
    ),
    Scene(("motown", "detroit soul"), "soul", (108, 128), 0.2),
    Scene(("dub", "reggae"), "pop", (68, 84), 0.6, edits=("drums.pattern set one-drop", "band.reverb more")),
    Scene(("bossa", "bossa nova", "samba"), "latin", (116, 138), 0.5),
    Scene(("salsa", "son", "rumba", "cuban", "latin"), "latin", (92, 112), 0.6),
    Scene(("punk",), "rock", (168, 192), 0.3, edits=("band.intensity more",)),
    Scene(("grunge", "seattle"), "rock", (96, 124), 0.8, edits=("band.intensity more",)),
    Scene(("krautrock", "motorik"), "rock", (132, 150), 0.5),
    Scene(("post-punk", "post punk", "manchester"), "rock", (132, 152), 0.9),
    Scene(("indie", "britpop", "rock", "rock and roll", "rock 'n' roll"), "rock", (104, 136), 0.4),
    Scene(("metal", "doom", "thrash"), "metal", (96, 160), 0.98, edits=("band.intensity more",)),
    Scene(("techno", "berlin"), "dance", (124, 134), 0.9, edits=("drums.pattern set four-on-the-floor",)),
    Scene(
        ("house", "disco", "dance", "club"), "dance", (116, 126), 0.6, edits=("drums.pattern set four-on-the-floor",)
    ),
    Scene(("hip hop", "hip-hop", "hiphop", "boom bap", "rap beat", "lo-fi", "lofi"), "hiphop", (78, 96), 0.8),
    Scene(("trap",), "hiphop", (130, 146), 0.95),
    Scene(("funk", "funky", "p-funk", "minneapolis"), "funk", (94, 112), 0.6),
    Scene(("soul", "r&b", "rnb", "memphis", "gospel", "neo soul", "neo-soul"), "soul", (76, 100), 0.5),
    Scene(("jazz", "swing", "bebop", "swinging"), "jazz", (120, 176), 0.5, edits=("feel.swing set 0.64",)),
    Scene(("waltz", "jazz waltz"), "jazz", (120, 160), 0.4, meter="3/4"),
    Scene(("blues", "chicago blues", "delta blues"), "blues", (76, 120), 0.4, edits=("feel.swing set 0.64",)),
    Scene(("country", "folk", "bluegrass", "nashville", "americana"), "country", (88, 124), 0.15),
    Scene(("pop", "synthpop", "synth pop", "synth-pop", "city pop"), "pop", (96, 122), 0.4),
    Scene(("ballad", "power ballad", "slow dance", "lullaby"), "ballad", (58, 78), 0.4),
    Scene(("afrobeat", "lagos", "highlife"), "latin", (104, 122), 0.6),
    Scene(("film score", "soundtrack", "score", "cinematic"), "ballad", (60, 100), 0.7),
)
TEMPO_WORDS: Mapping[str, tuple[float, float]] = {
    "very slow": (48, 64),
    "really slow": (48, 64),
    "extremely slow": (44, 58),
    "crawling": (44, 58),
    "slow": (58, 84),
    "slowly": (58, 84),
    "downtempo": (70, 92),
    "mid-tempo": (92, 114),
    "midtempo": (92, 114),
    "mid tempo": (92, 114),
    "medium tempo": (92, 114),
    "moderate": (92, 114),
    "walking pace": (92, 114),
    "very fast": (164, 200),
    "really fast": (164, 200),
    "fast": (132, 172),
    "quick": (126, 160),
    "up-tempo": (126, 160),
    "uptempo": (126, 160),
    "up tempo": (126, 160),
}
# what a song cannot have, with what is said of it
CANNOT: tuple[tuple[str, str], ...] = (
    (
        r"(?:with |and |some |a |the )*(?:lyrics?|words to sing|(?<=with )words\b|text to sing|verses? of text)",
        "I write no lyrics: there is nobody to sing them; the line has the tune",
    ),
    (
        r"(?:with |and |some |a |the |female |male |deep )*(?:sung\b|sing(?:ing|er|s)?\b|vocals?\b|voices?\b|vocalist|"
        r"choir|rap(?:ping|per|s)?\b(?! beat)|spoken word|scat)",
        "I cannot sing or rap: the line plays what a voice would",
    ),
    (
        r"(?:with |and |some |a |the )*(?:saxophones?|sax|trumpets?|brass|horns?(?: section)?|violins?|strings?|cello|"
        r"orchestra|orchestral|harp|sitar|banjo|harmonica|accordion|turntables?|scratching|scratches|samples?)\b",
        "I have none of these instruments: `antiphon sounds list` says what the band plays",
    ),
)
