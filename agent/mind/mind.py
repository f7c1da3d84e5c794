"""Turns audio frames into what was heard and what the band will play. Deterministic; no clock, no thread."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agent.band.ticks import Tick
from agent.core.messages import (
    FollowGrid,
    HearPartner,
    LeadTempo,
    MindToAudio,
    PlayBass,
    SendMidi,
    SetLatency,
    SetMeter,
    SetMood,
    SetSense,
    SetTempo,
    StartOn,
    Tap,
)
from agent.core.settings import Config, ModelsConfig
from agent.core.types import Decision, Plan
from agent.directions.active import MindMessage
from agent.duet.duet import Duet
from agent.mind.heard_muting import Latent
from agent.mind.lookahead import FIRST_S, Ahead
from agent.mind.planner import Planner
from agent.mood.imagined_player import ImaginedPlayer
from agent.mood.mood_words import mood_of
from agent.parts.groove_library import GrooveLibrary
from agent.parts.groove_traits import played_grooves
from listener.analyzer import Analyzer, warm_up
from listener.rhythm.hints import FASTEST_BPM, SLOWEST_BPM
from listener.rhythm.readings import SHAPES
from listener.types import Analysis, Frame, Grid, Meter
from models.codec import codec as codec_module
from models.codec import muting
from models.codec.codec import Codec
from models.codec.official import is_official, load_official, weights_file
from models.critic.critic import Critic
from models.music.tokens import Position
from models.responder.responder import Responder, named
from models.timing.drum_timing import Timing

USUAL_METERS = (Meter(4, 4), Meter(3, 4))  # whose grooves are read before the first bar
RARE_METERS = (  # read in silence
    *(Meter(2, 4), Meter(5, 4), Meter(7, 4)),
    *(shape.meter for shape in SHAPES if shape.meter not in USUAL_METERS),
)
LOOKS_S = 2.5  # of the stream, in which a band without a player looks for others whose beat it begins on
SILENT_DB = -54.0  # re full scale
SETTLED_FRAMES, REST_FRAMES = 75, 750  # of silence after which the mind rests: 1 s, 10 s where there is still a beat


def open_codec(models: ModelsConfig, sound_dim: int) -> Codec:
    """Open the config's codec for a responder that takes latents [sound_dim].

    Raises FileNotFoundError, OSError or ValueError in one line for weights that are missing, damaged, of another model,
    of another width, or without so many codebooks.
    """
    path = weights_file(models.codec)
    source = Codec(load_official(path).model, models.codec_kbps) if is_official(models.codec) else None
    codec = source or Codec.load(path, models.codec_kbps)
    if codec.dim != sound_dim:
        raise ValueError(
            f"models.codec {path}: gives latents of {codec.dim}, the responder takes {sound_dim}; leave "
            f"models.codec null, or train a responder for it: python -m models.train responder --sound-dim {codec.dim}"
        )
    return codec


@dataclass(frozen=True, slots=True)
class SharedModels:
    """What all minds of a machine share: loaded once, not changed by playing, named in snapshots."""

    responder: Responder
    timing: Timing
    grooves: GrooveLibrary
    critic: Critic
    codec: Codec | None = None

    @property
    def by_name(self) -> dict[str, Responder | Timing | GrooveLibrary | Critic | Codec]:
        """Return those that are there, by name."""
        there: dict[str, Responder | Timing | GrooveLibrary | Critic | Codec] = {
            "responder": self.responder,
            "timing": self.timing,
            "grooves": self.grooves,
            "critic": self.critic,
        }
        return there if self.codec is None else there | {"codec": self.codec}


class Mind:
    """Takes each frame through listener, codec, responder and planner.

    commit_s: notes within so many seconds ahead are final, the output's latency included.
    Raises FileNotFoundError or ValueError in one line when weights are missing or damaged.
    """

    def __init__(self, config: Config, latency_s: float = 0.0) -> None:
        responder = Responder.load(named(config.models.responder), config.models.adapter)
        self._codec = open_codec(config.models, responder.sound_dim) if config.models.codec_enabled else None
        self._codec_state = self._codec.initial_state() if self._codec else None
        self._silent_frames, self._resting = 0, False
        warm_up()
        if self._codec:
            codec_module.warm_up()
        self._analyzer = Analyzer()
        self._meter, self._tempo_bpm = config.band.meter, config.band.tempo_bpm  # as the player said them
        self._analyzer.given(self._meter, self._tempo_bpm)
        parts = frozenset(name for name, part in config.parts.items() if part.enabled)
        self._latency_s, fixed_ms = latency_s, config.band.commit_ms
        commit_s = (FIRST_S if fixed_ms is None else fixed_ms / 1000) + latency_s
        timing = Timing.load()
        grooves, critic = GrooveLibrary.load(), Critic.load()
        for meter in USUAL_METERS:  # no frame has the time for it
            _read(grooves, meter)
        self._unread = list(RARE_METERS)
        axis = muting.load() if self._codec and config.models.codec is None else None
        self._planner = Planner(responder, config.band, parts, commit_s, config.dials, timing, grooves, critic, axis)
        self._given: Grid | None = None  # another machine's beat
        self._presses: int | None = None  # heard so far, where the bass comes as MIDI
        mood = config.mood
        asked = mood_of(mood.words) if mood.words else None
        waits_s = LOOKS_S if config.sync.link else 0.0
        rests = not (config.sync.partner and config.sync.turns)  # they rest in the other's turn already
        how = config.band.seed, mood.room, mood.patient, waits_s, rests
        self._player = ImaginedPlayer(asked, *how) if asked else None
        self._duet = Duet(config.sync) if config.sync.partner else None
        self._said: list[SendMidi] = []
        self._shared_models = SharedModels(responder, timing, grooves, critic, self._codec)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_shared_models"}

    @property
    def shared_models(self) -> SharedModels:
        """The models. A snapshot holds their names only."""
        return self._shared_models

    def share_models(self, shared_models: SharedModels, latency_s: float) -> None:
        """Set the models and the output's latency after a snapshot was loaded."""
        self._shared_models, self._latency_s = shared_models, latency_s

    def read_all_grooves(self) -> None:
        """Read the grooves of rare meters, too, for all minds that are forked from this process: some 0.4 s."""
        for meter in RARE_METERS:
            _read(self._shared_models.grooves, meter)

    @property
    def resting(self) -> bool:
        """Whether the input is silent, so that nothing needs to be decided soon."""
        return self._resting

    def look_ahead(self, ahead: Ahead) -> None:
        """Set how far ahead to plan from now on."""
        self._planner.commit_s = ahead.commit_s + self._latency_s
        self._planner.lookahead_s = ahead.lookahead_s + 2 * self._latency_s

    def send(self, message: MindMessage) -> None:
        """Take a message of agent/core/messages.py. What concerns the ears acts at once, others from the next bar."""
        if isinstance(message, FollowGrid):
            self._given = message.grid
            self._planner.form.beat.led = message.grid is not None
        elif isinstance(message, SetLatency):
            self._planner.commit_s += message.latency_s - self._latency_s
            self._planner.lookahead_s += 2 * (message.latency_s - self._latency_s)
            self._latency_s = message.latency_s
        elif isinstance(message, Tap):
            self._planner.told_beat()
            self._analyzer.tap(message.time_s)
        elif isinstance(message, (SetTempo, SetMeter)):
            self._tempo_bpm = message.bpm if isinstance(message, SetTempo) else self._tempo_bpm
            self._meter = message.meter if isinstance(message, SetMeter) else self._meter
            self._analyzer.given(self._meter, self._tempo_bpm)
        elif self._player is not None and isinstance(message, (SetMood, SetSense, StartOn, LeadTempo)):
            self._player.send(message)
        elif self._duet is not None and isinstance(message, HearPartner):
            self._duet.hear(message)
        elif isinstance(message, PlayBass):
            known = max((self._presses or 0) - message.number, 0)
            self._analyzer.play(message.presses[known:])
            self._presses = max(self._presses or 0, message.number + len(message.presses))
        else:
            self._planner.send(message)

    def take_messages(self) -> list[MindToAudio]:
        """Return the messages for the audio process besides plans. Call once a frame."""
        said, self._said = self._said, []
        return [*self._planner.take_messages(), *said]

    @property
    def codec(self) -> Codec | None:
        """The codec, where it is switched on."""
        return self._codec

    def step(self, frame: Frame) -> Decision:
        """Process one frame: a few milliseconds at most, except where a bar is generated."""
        analysis, plan = self._with_nobody(frame, self._player) if self._player else self._with_player(frame)
        tick = self._planner.tick
        if self._duet and tick:
            plan = self._with_partner(self._duet, tick, analysis, plan)
        elif self._duet:
            self._duet.lost()
        form = self._planner.form
        bar = tick.position.bar if tick else 0
        parts = tuple(sorted(form.gate().parts))
        view = self._planner.song.view(self._planner.bars.of(bar)) if parts else None
        choices = self._planner.song.take_choices()
        if self._player:
            choices = (*self._player.choices(bar), *choices)
        turn, leading = form.describe(bar), self._planner.leading
        drawn = self._planner.take_drawn()
        decision = Decision(analysis, plan, str(form.state), bar, parts, form.modes.mode, turn, view, choices)
        return replace(
            decision,
            leads=leading.says(bar),
            says=leading.take_lines(),
            gave_up=leading.take_given_up(),
            not_kept=self._planner.not_kept,
            bars_sure=self._planner.bars_sure or analysis.grid is None,
            kept=self._planner.take_kept(),
            drawn=drawn,
        )

    def _with_player(self, frame: Frame) -> tuple[Analysis, Plan | None]:
        """Return what is heard of the player, and what the band plays to it."""
        self._analyzer.play_on(self._given or self._planner.fixed_beat)
        analysis = self._on_given_beat(self._analyzer.step(frame))
        self._resting = self._rests(analysis)
        heard = replace(analysis, grid=None) if self._resting else analysis
        plan = self._planner.step(heard, None if self._resting else self._hear_sound(frame))
        if self._resting and self._unread:
            _read(self._shared_models.grooves, self._unread.pop(0))
        self._tell_ears()
        return analysis, plan

    def _with_nobody(self, frame: Frame, player: ImaginedPlayer) -> tuple[Analysis, Plan | None]:
        """Return what the imagined player does, and what is played with the band beside it."""
        planner = self._planner
        analysis = player.hear(frame, self._shared_models.responder)
        if analysis.grid is not None:
            planner.form.beat.fix(analysis.grid)
        plan = planner.step(analysis, None)
        tick = planner.tick
        if tick is None:
            return analysis, plan
        for dial in player.dials(tick):
            planner.send(dial)
        if (told := player.told(tick)) is not None:
            first = planner.bars.of(tick.position.bar)
            planner.song.score = dict(enumerate(told, first))
        return analysis, player.play(plan, tick) if plan and plan.grid else plan

    def _with_partner(self, duet: Duet, tick: Tick, analysis: Analysis, plan: Plan | None) -> Plan | None:
        """Return what is planned without what would be played in the partner's turn; tell them what comes."""
        grid = self._planner.fixed_beat or analysis.grid
        if grid is None:
            return plan
        bar = self._planner.bars.of(tick.position.bar)
        self._said += duet.step(tick, grid, bar, self._planner.song)
        return duet.played(plan, tick, bar - tick.position.bar) if plan else None

    def _tell_ears(self) -> None:
        """Tell the ears what the band leads: where its one is, the tempo it goes to."""
        for hint in self._planner.leading.take_hints():
            if isinstance(hint, Tap):
                self._analyzer.tap(hint.time_s)
            else:
                bpm = self._tempo_bpm if hint.bpm is None else min(max(hint.bpm, SLOWEST_BPM), FASTEST_BPM)
                self._analyzer.given(self._meter, bpm)

    def _on_given_beat(self, analysis: Analysis) -> Analysis:
        return analysis if self._given is None else replace(analysis, grid=self._given)

    def _rests(self, analysis: Analysis) -> bool:
        """Return whether player and band are silent: then only the listener runs.

        By then the codec's state has settled, so that it hears the first note as if it had kept running; the planner
        starts over.
        """
        silent = analysis.rms_db < SILENT_DB and not analysis.onsets and not analysis.notes
        self._silent_frames = self._silent_frames + 1 if silent else 0
        band_waits = str(self._planner.form.state) == "listening" and self._planner.fixed_beat is None
        return band_waits and self._silent_frames > (REST_FRAMES if analysis.grid else SETTLED_FRAMES)

    def _hear_sound(self, frame: Frame) -> Latent | None:
        if self._codec is None or self._codec_state is None or self._presses is not None:
            return None
        codes, self._codec_state = self._codec.step(frame.samples, self._codec_state)
        return np.asarray(self._codec.embed(codes), np.float32)


def _read(grooves: GrooveLibrary, meter: Meter) -> None:
    played_grooves(grooves, meter, Position(0, 0, meter).ticks_per_bar)
