"""Defines the small messages between the parent, the model process and the audio process; plans and reports aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.core.types import MixWish
from listener.types import Grid, KeyPress


@dataclass(frozen=True, slots=True)
class SetMode:
    """To the mind: change the mode from the next bar on. mode: one of settings.MODES; bars: of a trade's turns, None =
    as they were; calls: whether the band has the first turn of a trade."""

    mode: str
    bars: int | None = None
    calls: bool = False


@dataclass(frozen=True, slots=True)
class AnswerPhrases:
    """To the mind: answer each of the player's phrases as soon as it ends, however long, until another mode is set."""


@dataclass(frozen=True, slots=True)
class SetPart:
    """To mind and audio: mute or unmute a part. Muting acts at once, unmuting from the next bar on."""

    part: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetDial:
    """To the mind: set a dial of settings.DialsConfig from the next bar on; None = the model decides."""

    name: str
    value: float | str | None


@dataclass(frozen=True, slots=True)
class SetBehind:
    """To the mind: play so many seconds behind the beat (negative = ahead) from the next bar on."""

    behind_s: float


@dataclass(frozen=True, slots=True)
class Tap:
    """To the mind: the player tapped the beat at this stream time; the first is a downbeat, three give the tempo."""

    time_s: float


@dataclass(frozen=True, slots=True)
class SetTempo:
    """To the mind: the player says the tempo, in beats of the meter a minute; None = it is to be heard."""

    bpm: float | None


@dataclass(frozen=True, slots=True)
class SetMeter:
    """To the mind: the player says the meter, such as "7/8"; None = it is to be heard."""

    meter: str | None


@dataclass(frozen=True, slots=True)
class LeadBar:
    """To the mind: lead bar `bar` (from 1) of each cycle in this meter, such as "7/8"; None = as all others again.

    0 = of all bars."""

    bar: int
    meter: str | None


@dataclass(frozen=True, slots=True)
class LeadLength:
    """To the mind: play this cycle one bar longer (1), its last bar twice, or one bar shorter (-1)."""

    bars: int


LED_BPM = (30.0, 300.0)  # tempi, in beats of the meter, that the band leads to


@dataclass(frozen=True, slots=True)
class LeadTempo:
    """To the mind: lead to another tempo, in beats of the meter a minute, or to `factor` times the present one."""

    bpm: float | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class LeadBreak:
    """To the mind: stop on beat `beat` (from 1) of the next bar, and come in again on the one."""

    beat: int


@dataclass(frozen=True, slots=True)
class CountIn:
    """To the mind: count a bar in and begin; bpm, meter: None = as they are heard or were said.

    quietly: say nothing where the band plays already. ends: it ends first, with the next bar, where it plays.
    """

    bpm: float | None = None
    meter: str | None = None
    quietly: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class EndSong:
    """To the mind: end with the phrase, on the next one; the band comes in again when the player begins anew."""


@dataclass(frozen=True, slots=True)
class LeadNothing:
    """To the mind: take back everything that the band leads; the player leads alone again."""


@dataclass(frozen=True, slots=True)
class KeepSection:
    """To the mind: keep what is played now as a section of this name. sound: its sound as well ("take that")."""

    name: str
    sound: bool = False


@dataclass(frozen=True, slots=True)
class SetGrooveTaste:
    """To the mind: which grooves the player likes, -1 to 1, by their kicks and snares (agent/parts/groove_traits.py
    `text_of`); declined: names of those that are to be played no more, from the next bar on."""

    liking: Mapping[str, float]
    declined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LoopRiff:
    """To the mind: repeat a kept riff from the next one on. path: its sound; seconds: from its first one to its last
    bar's end; before_s: how much of the file lies before that one. kept None = stop."""

    kept: KeptName | None
    path: str = ""
    seconds: float = 0.0
    before_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TakeNumber:
    """A take of a riff that loops (agent/band/looped_take.py)."""

    number: int


@dataclass(frozen=True, slots=True)
class LoopTake:
    """To the mind: from the next bar line on repeat this take in place of the riff that loops, from the bar of it on
    that comes; one with an intro from its beginning. path: the sound of its bass; before_s: how much of it lies before
    the first one; gain_db: of it; then: the same take without its intro, which is repeated after that."""

    take: TakeNumber
    path: str
    before_s: float
    gain_db: float = 0.0
    then: LoopTake | None = None


@dataclass(frozen=True, slots=True)
class AgainLoop:
    """To the mind: the audio process is another one; tell it of the loop that plays."""


@dataclass(frozen=True, slots=True)
class KeptName:
    """A section that was kept (agent/song/kept.py)."""

    name: str


@dataclass(frozen=True, slots=True)
class GoToSection:
    """To the mind: play this section from the next bar that is not decided yet on, in its own tempo."""

    kept: KeptName


Lead = LeadBar | LeadLength | LeadTempo | LeadBreak | CountIn | EndSong | LeadNothing | GoToSection


@dataclass(frozen=True, slots=True)
class SetMood:
    """To the mind, where nobody plays: glide to this mood (agent/making/moods.py). style, bpm (quarters a minute),
    meter, key: (tonic, mode); None = as the mood has it. bars: of the glide, None = by how far it is. said: the words.
    directions: those of them that are directions to the band and no mood: nothing is done about them.
    """

    valence: float
    arousal: float
    tension: float = 0.0
    low: float = 0.0
    minor: float | None = None
    steady: float = 0.0
    style: str | None = None
    bpm: float | None = None
    meter: tuple[int, int] | None = None
    key: tuple[int, str] | None = None
    bars: int | None = None
    said: str = ""
    directions: str = ""


@dataclass(frozen=True, slots=True)
class StartOn:
    """To the mind, where nobody plays: begin on a bar line of this beat, which others play to already."""

    grid: Grid


@dataclass(frozen=True, slots=True)
class SetSense:
    """To the mind, where nobody plays: something from 0 to 1 that moves the mood, such as a heart rate; 0.5 moves it
    nowhere. moves: arousal, valence or tension; amount: how far, at either end."""

    name: str
    value: float
    moves: str
    amount: float


@dataclass(frozen=True, slots=True)
class SetLatency:
    """To the mind: notes leave so many seconds before they are heard, from now on."""

    latency_s: float


@dataclass(frozen=True, slots=True)
class FollowGrid:
    """To the mind: follow another machine's beat, in stream time; None = follow the player again."""

    grid: Grid | None


@dataclass(frozen=True, slots=True)
class PlayBass:
    """To the mind: hear the bass from MIDI. number: of the first press since the session began; one is heard once."""

    number: int
    presses: tuple[KeyPress, ...]


@dataclass(frozen=True, slots=True)
class HearPartner:
    """To the mind: MIDI messages of another Antiphon (agent/duet): (stream time, bytes) each."""

    messages: tuple[tuple[float, bytes], ...]


@dataclass(frozen=True, slots=True)
class SendMidi:
    """To audio: send these bytes to the MIDI port now."""

    message: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlayLoop:
    """To audio: repeat the bass from start_s to end_s (stream seconds), first at end_s, exact to the sample.

    path: a sound file to repeat in place of what was played there; before_s: so much of it lies before start_s. from_s:
    when it begins to be heard, if that is later than end_s, somewhere in a repetition.
    """

    start_s: float
    end_s: float
    gain_db: float = 0.0
    path: str = ""
    before_s: float = 0.0
    from_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SetInput:
    """To audio: what each channel of the input is multiplied by to give the bass (listener/input_mixer.py)."""

    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StopLoop:
    """To audio: end the loop at this stream time."""

    at_s: float


@dataclass(frozen=True, slots=True)
class SetMix:
    """To audio: mix as these wishes say from at_s on; by name of part or lane of the kit, all others as the table.

    sounds: the instruments asked for, by part; style: of the song plan, for the others (agent/sounds/instruments.py).
    """

    at_s: float
    wishes: Mapping[str, MixWish]
    sounds: Mapping[str, str] = field(default_factory=dict)
    style: str | None = None


@dataclass(frozen=True, slots=True)
class SetFader:
    """To audio: a fader of the remote or of a controller, at once; name: of a part or a lane of the kit.

    It is added to what directions ask for (SetMix). wish: None = as if it had never been moved.
    """

    name: str
    wish: MixWish | None


@dataclass(frozen=True, slots=True)
class SetClick:
    """To audio: click on the beat, or no more. Where there is no beat yet: from at_s on, each period_s, in bars of so
    many beats; period_s 0 = wait for the beat."""

    on: bool
    at_s: float = 0.0
    period_s: float = 0.0
    beats: int = 4


@dataclass(frozen=True, slots=True)
class SetVoice:
    """To audio: load the player's own sound from this SoundFont, in a thread, and have it from then on."""

    path: str


@dataclass(frozen=True, slots=True)
class SetTechnique:
    """To audio: play the player's own sound in the technique that they play in now, where it has notes of that."""

    technique: str


@dataclass(frozen=True, slots=True)
class Panic:
    """To audio: end every note now, on synth and MIDI port; planned notes are still played after it."""


@dataclass(frozen=True, slots=True)
class Go:
    """To audio: let the sound begin."""


@dataclass(frozen=True, slots=True)
class Stop:
    """To mind and audio: end."""


@dataclass(frozen=True, slots=True)
class InputEnded:
    """To audio: the input ended at this stream time, and everything is planned."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """From a worker: it could not start, and why."""

    cause: str


ToMind = (  # and SetActiveEdits (agent/directions/active.py)
    Lead
    | (SetMode | AnswerPhrases | SetPart | SetDial | SetBehind | Tap | SetTempo | SetMeter | KeepSection)
    | (SetGrooveTaste | LoopRiff | LoopTake | AgainLoop | SetMood | StartOn | SetSense)
    | (SetLatency | FollowGrid | PlayBass | HearPartner)
)
MindToAudio = PlayLoop | StopLoop | SetMix | SendMidi  # besides plans
ToAudio = MindToAudio | SetPart | Panic | SetInput | SetFader | SetClick | SetVoice | SetTechnique
