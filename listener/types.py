"""Define the facts the listener states: frozen, slotted, units in names, times in seconds of the capture stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ANALYSIS_RATE = 24_000  # Hz; EnCodec's rate, so one frame is one codec step
FRAME_SAMPLES = 320  # one EnCodec step: 13.33 ms
FRAME_S = FRAME_SAMPLES / ANALYSIS_RATE

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """One analysis hop of sound.

    samples: float32 [320], mono, 24 kHz, finite. start_sample: its first sample, counted at 24 kHz from the
    start of the capture stream. lag_s: how long after its last sample was captured the frame could be had
    (the resampler's delay).
    """

    samples: Samples
    start_sample: int
    lag_s: float = 0.0

    @property
    def start_s(self) -> float:
        return self.start_sample / ANALYSIS_RATE

    @property
    def end_s(self) -> float:
        return (self.start_sample + len(self.samples)) / ANALYSIS_RATE

    @property
    def emit_s(self) -> float:
        """Return the stream time at which anything concluded from this frame is known."""
        return self.end_s + self.lag_s


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature; grouping sums to the numerator: 7/8 as (2, 2, 3). A beat is one denominator unit."""

    numerator: int
    denominator: int
    grouping: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.grouping and sum(self.grouping) != self.numerator:
            raise ValueError(f"grouping {self.grouping} does not add up to the {self.numerator} beats of the bar")

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True, slots=True)
class Onset:
    """The start of a note at time_s, known at emit_s."""

    onset_s: float
    emit_s: float
    strength: float


@dataclass(frozen=True, slots=True)
class PitchPoint:
    """The pitch at time_s, known at emit_s. f0_hz is None where nothing with a pitch sounds."""

    time_s: float
    emit_s: float
    f0_hz: float | None
    voiced_prob: float


@dataclass(frozen=True, slots=True)
class Note:
    """One bass note, identified by its onset_s. duration_s is None while it sounds.

    The same note comes again, completed, when it ends. Its pitch may be corrected once, as soon as the ears are sure:
    the correction `revises` the first.
    """

    onset_s: float
    emit_s: float
    duration_s: float | None
    pitch: int  # MIDI 0-127
    velocity: int  # MIDI 1-127
    cents: float = 0.0  # deviation from the MIDI pitch
    articulation: str = "normal"  # normal | legato (hammer-on, pull-off) | slide | ghost (no pitch worth naming)
    confidence: float = 1.0
    revises: int | None = None  # the MIDI pitch said first, in the one correction


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key that went down or, with velocity 0, up, at time_s of the stream. channel: 0-15; keys of two differ."""

    time_s: float
    pitch: int
    velocity: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat, reported once and before it falls. position: 1 = downbeat. tempo_bpm: in beats of the meter."""

    time_s: float
    emit_s: float
    position: int
    tempo_bpm: float
    meter: Meter
    confidence: float  # 0-1, that tempo and phase are right


@dataclass(frozen=True, slots=True)
class Grid:
    """The present beat grid, which the agent extrapolates to plan ahead.

    anchor_s: time of beat number `index` (counted up from 0 since tracking began, never reset or repeated), whose place
    in its bar is `position` (1 = downbeat). swing: 0.5 straight to 0.75, where the second half of a beat (x/4 meters)
    or of a pair of beats (x/8) starts. behind_s: the player's median distance from the grid, positive = late.
    """

    anchor_s: float
    index: int
    position: int
    period_s: float
    meter: Meter
    confidence: float  # 0-1, tempo and phase
    meter_confidence: float  # 0-1, meter and downbeat
    swing: float = 0.5
    behind_s: float = 0.0

    def time_of(self, beat: float) -> float:
        """Return the stream seconds of beat number `beat` (fractions allowed), extrapolated at the present tempo."""
        return self.anchor_s + (beat - self.index) * self.period_s

    def beat_at(self, time_s: float) -> float:
        return self.index + (time_s - self.anchor_s) / self.period_s

    def position_of(self, beat: int) -> int:
        """Return the place in the bar (1 = downbeat) of beat number `beat`."""
        return (self.position - 1 + beat - self.index) % self.meter.numerator + 1

    def meter_at(self, beat: int) -> Meter:
        """Return the meter of the bar that beat number `beat` lies in."""
        return self.meter


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord. confidence: probability of the root.

    third: probability of the kind of triad, given the root (a bass may never play its third).
    """

    root: int  # pitch class 0-11, C = 0
    quality: str  # a key of QUALITIES in listener/music/harmony.py: maj min 7 maj7 min7 dim ...
    confidence: float
    third: float = 1.0
    motion: int | None = None  # semitones from the last root to this one, -5 to 6
    pedal: int | None = None  # pitch class that stays below while the tones above it change


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its probability. scale: a name of listener/music/key.py's NAMED_SCALES, or "" where it is not known."""

    tonic: int  # pitch class 0-11
    mode: str  # maj | min
    confidence: float
    scale: str = ""  # major, mixolydian, lydian, minor, dorian, phrygian, harmonic minor, blues


@dataclass(frozen=True, slots=True)
class NoteFeel:
    """Where one note lies.

    late_s: distance from the place it was meant for, positive = late, against `reference` (see Feel). place: that place
    in the felt pulse, 0 = on the beat, 0-1; a swung off-beat has the player's own swing.
    """

    onset_s: float
    late_s: float
    place: float
    position: int  # in the bar, of the beat it lies in or on; 1 = downbeat
    reference: str


@dataclass(frozen=True, slots=True)
class Feel:
    """How the player has lately sat on the beat (medians); None where too little was heard or it cannot be known.

    reference: what lateness is measured from. given: the band's grid or a click; opening: the tempo the player set at
    the start and has held (started again when the tempo moves); player: nothing but the player's own beat, and then
    behind_s is None.
    """

    behind_s: float | None  # of the notes on the beat, positive = late
    spread_s: float | None  # standard deviation around it (from the median absolute deviation)
    swing: float | None  # where the off-beat lies between its two beats: 0.5 straight, 0.67 triplets
    backbeat_s: float | None  # how much later beats 2 and 4 are than 1 and 3
    reference: str
    notes: int  # notes on the beat that behind_s stands on

    def __str__(self) -> str:
        """Return a text like '12 ms behind, swing 0.58'."""
        parts = []
        if self.behind_s is not None:
            side = "behind" if self.behind_s >= 0 else "ahead"
            parts.append(f"{abs(self.behind_s) * 1000:.0f} ms {side}")
        if self.swing is not None:
            parts.append(f"swing {self.swing:.2f}")
        return ", ".join(parts) or "unknown"


@dataclass(frozen=True, slots=True)
class Repetition:
    """A bar (or, of a Phrase, a phrase) that was heard before. ago: how many bars (phrases) before.

    varied: none when it is the same, else of: transposed, pitch (some notes are others), ornamented (more notes),
    simplified (fewer), rhythm (the notes lie elsewhere). run: bars in a row that repeat those `ago` bars before.
    """

    start_s: float
    of_start_s: float
    ago: int
    similarity: float  # 0-1
    varied: tuple[str, ...] = ()
    transposed: int = 0  # semitones
    run: int = 1


@dataclass(frozen=True, slots=True)
class Hook:
    """The shortest pattern that keeps coming back. notes: (beat from its start, semitones from its first note)."""

    notes: tuple[tuple[float, int], ...]
    length_beats: float
    times: int  # heard, of what is remembered


@dataclass(frozen=True, slots=True)
class Phrase:
    """A musical phrase; end_s is None when it has just begun. The last three fields are known when it has ended.

    closes: whether it sounds like an answer (True) or a question (False), None when undecided.
    """

    notes: tuple[Note, ...]
    start_s: float
    end_s: float | None
    meter: Meter | None
    tempo_bpm: float | None
    repeats: Repetition | None = None  # an earlier phrase
    closes: bool | None = None
    closes_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Timbre:
    """How one named note was played and sounds, reported once: about 140 ms after its onset, or when it ends before.

    technique, player: fingers | pick | slap | mute | fretless | upright; of this note (the player's, where the note is
    too short or has no attack of its own), and of the player over the last notes. Confidences are probabilities.
    dynamic: pp | p | mp | mf | f | ff within the player's own range. bite_db: 2.8-5.6 kHz of the first 12 ms against
    the sustain; noise_db: noise against harmonics as the note begins, 360-1400 Hz; None where too short.
    strength: the place in the player's own range, 0 (softest) to 1. attack_ms: from the onset to half of the loudest
    amplitude of the first 60 ms. Each *_sure says how far its fact may be trusted, 0 to 1: the less of the note is
    heard alone, and the fewer notes the range stands on, the less.
    """

    onset_s: float
    emit_s: float
    technique: str
    confidence: float
    brightness_hz: float  # spectral centroid of the first 120 ms
    bite_db: float | None
    noise_db: float | None
    level_db: float  # loudest 20 ms, RMS re full scale
    dynamic: str
    player: str
    player_confidence: float
    strength: float = 0.5
    strength_sure: float = 0.0
    attack_ms: float | None = None
    attack_sure: float = 0.0
    brightness_sure: float = 0.0


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything heard in one frame. Tuples hold what is new in this frame; the rest is the present estimate."""

    time_s: float  # end of the frame
    emit_s: float
    onset_strength: float
    f0_hz: float | None
    voiced_prob: float
    rms_db: float
    onsets: tuple[Onset, ...] = ()
    pitch: tuple[PitchPoint, ...] = ()  # one per hop of the ears
    notes: tuple[Note, ...] = ()  # newly named
    revised: tuple[Note, ...] = ()  # named earlier, now corrected (`Note.revises`)
    ended: tuple[Note, ...] = ()  # the same, completed with their duration
    beats: tuple[Beat, ...] = ()  # newly predicted
    grid: Grid | None = None
    rival: Grid | None = None  # another reading of the same notes that is about as likely as `grid`
    chord: Chord | None = None
    key: Key | None = None
    phrase: Phrase | None = None  # newly begun or ended
    placed: tuple[NoteFeel, ...] = ()  # of the newly named notes, once there is a beat
    feel: Feel | None = None
    repetition: Repetition | None = None  # of the bar just completed
    hook: Hook | None = None
    timbre: tuple[Timbre, ...] = ()  # of notes named lately
