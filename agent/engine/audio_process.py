"""Runs the audio process: sound card or paced file, synth, MIDI port. It never imports a model.

Its main loop renders ahead of the callback, sends MIDI at its moment and reports; the callback itself only copies.
It ends on the message Stop, at the end of a file, or with its parent; never because a sound card was lost.
"""

from __future__ import annotations

import gc
import signal
import sys
import time
from pathlib import Path
from typing import assert_never

import numpy as np

from agent.audio import card_callback, latencies
from agent.audio.card_finder import Finder
from agent.audio.card_keeper import Keeper
from agent.audio.file_input import FilePlayback, Silence
from agent.audio.loop_sound import SoundLoader
from agent.audio.mixed_synth import load_synth, open_synth
from agent.audio.own_voice_synth import VoiceLoader
from agent.audio.sound_card import Latency, SoundCard
from agent.audio.stream import Stream
from agent.core.channel import Channel
from agent.core.errors import UserError
from agent.core.messages import (
    Failed,
    Go,
    InputEnded,
    Panic,
    PlayLoop,
    SendMidi,
    SetClick,
    SetFader,
    SetInput,
    SetMix,
    SetPart,
    SetTechnique,
    SetVoice,
    Stop,
    StopLoop,
)
from agent.core.os_process import set_process_name, set_realtime_priority
from agent.core.settings import Config
from agent.core.types import Plan
from agent.engine.heard_bass import HeardBass
from agent.engine.looper import LEVEL_DB, Looper
from agent.engine.output_mixer import LATE, OutputMixer
from agent.engine.player import QUANTUM, SILENCE_QUANTA, Player, Stems
from agent.engine.reports import NO_LATENCY, RECORDS_PER_REPORT, AudioCommand, FromAudio, Planned, reported
from agent.engine.reports import AudioReport as AudioReport  # others have these from here
from agent.engine.reports import AudioSetup as AudioSetup
from agent.engine.reports import Ready as Ready
from agent.engine.wake_timing import REST_AHEAD_S, Wakes
from agent.midi.band_port import open_port
from listener.capture import AudioFile
from listener.ring import Ring

PRIORITY = 40  # real-time, below a sound server's own
SWITCH_S = 1e-4  # the callback waits for the interpreter no longer than this and one call of the main loop
MIND_TIMEOUT_S = 2.0  # after the end of the file, for the mind's last word
REPORT_EVERY_S = 0.05
SOON_S = 0.0012  # a message due within this comes before the next step of a turn, which may take so long
RENDER_MAX = 8_192  # samples in one turn; after a gap it catches up in steps
PIECE = 128  # samples that are rendered before the MIDI port is looked at again
LEAD_MAX = 16_384  # samples that are rendered ahead at most
OUT_SAMPLES = 1 << 15  # of the ring to the loudspeaker


def load(config: Config, rate: int) -> None:
    """Load what an audio process needs, for those that are forked from this one (agent/core/fork_server.py)."""
    load_synth(config, rate)
    card_callback.address()


def main(
    setup: AudioSetup, plans: Channel[Planned], commands: Channel[AudioCommand], reports: Channel[FromAudio]
) -> None:
    """Entry point of the process; ends on the message Stop, at the end of the file, or with its parent."""
    set_process_name("antiphon-audio")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process: AudioProcess | None = None
    try:
        process = AudioProcess(setup, plans, commands, reports)
        signal.signal(signal.SIGTERM, lambda *_: process.stop_soon())
        process.run()
    except (UserError, OSError, ValueError) as cause:
        reports.send(Failed(str(cause)))
    finally:
        if process:
            process.close()


class AudioProcess:
    """Owns the stream, the player and their outputs, and runs the main loop."""

    def __init__(
        self,
        setup: AudioSetup,
        plans: Channel[Planned],
        commands: Channel[AudioCommand],
        reports: Channel[FromAudio],
    ) -> None:
        self._plans, self._commands, self._reports = plans, commands, reports
        self._setup, config, rate = setup, setup.config, setup.rate
        self._stopping, self._reported_s = False, 0.0
        self._least_lead = lead = config.audio.output_lead_blocks * config.audio.block_samples + LATE
        self._voices, self._loop_sounds = VoiceLoader(), SoundLoader()
        self._asks = 0  # samples that the card asks for at once
        self._wakes = Wakes((lead / 2 - config.audio.block_samples) / rate / 2)
        self._rests = False
        plays, hears_file = setup.output_channels > 0, setup.take is not None
        # what comes from a file is heard when it leaves the loudspeaker, so the band is rendered beside it, not ahead
        self._lead, self._behind = (lead, 0) if plays and not hears_file else (0, lead if plays else 0)
        out = Ring(max(16 * lead, OUT_SAMPLES), setup.output_channels) if plays else None
        self._known, unreadable = latencies.load(config)
        self._warnings: tuple[str, ...] = (unreadable,)
        self._open_stream(out)
        try:
            self._open_band(out)
        except Exception:
            self._stream.close()
            raise
        reports.send(Ready(self._band_delay, self._latency, self._warnings, self._lead_s))

    def _open_band(self, out: Ring | None) -> None:
        setup, config, rate = self._setup, self._setup.config, self._setup.rate
        plays, hears_file = out is not None, setup.take is not None
        synth, warning = open_synth(config, rate, waits=False)  # while the keeper opens the card
        self._port = open_port(config, waits=self._resumed or setup.waits)
        waits = self._resumed or setup.waits or not (plays or self._reads_input)
        self._latency = NO_LATENCY if waits else self._stream.open()
        self._midi_late_s = latencies.midi_s(self._known, config.midi, self._port.name if self._port else None)
        monitors = config.audio.monitor_input == "on" or (hears_file and config.audio.monitor_input != "off")
        monitor = setup.ring.reader() if monitors and out else None
        channel = config.audio.input_channel - 1 if config.audio.input_channel and not hears_file else None
        self._looper = Looper(setup.ring, rate, channel, level_db=None if monitors else LEVEL_DB)
        self._heard = HeardBass(setup.ring, rate, channel)
        self._lanes = np.zeros(
            (len(config.parts) + 1, SILENCE_QUANTA * QUANTUM, 2), np.float32
        )  # the loop's is the last
        self._output_mixer = OutputMixer(out, rate, self._behind, monitor, self._lead, setup.sent) if out else None
        start = self._begin_at()
        self.player = Player(rate, tuple(config.parts), synth, self._port, start_sample=start)
        setup.stems.silence(start)
        if self._output_mixer:
            self._output_mixer.skip_to(start)
        self._retime(self._latency)
        self._warnings = tuple(line for line in (warning, *self._warnings) if line)

    def _open_stream(self, out: Ring | None) -> None:
        setup, audio = self._setup, self._setup.config.audio
        self._reads_input = reads_input = setup.take is None and setup.silence_s is None
        rings = tuple(r for r in (setup.ring, setup.sent) if r) if reads_input else ()
        playback = out.reader() if out else None
        finder = Finder(audio, setup.rate, setup.ring, playback, reads_input, setup.sent, known=self._known)
        keeper = Keeper(finder.find) if reads_input or out else None
        self._stream = stream = Stream(setup.rate, audio.block_samples, rings, setup.stamp, keeper, self._welcome)
        self._resumed = stream.clock.running
        self._file: FilePlayback | None = None
        if setup.silence_s is not None:
            silence = Silence(setup.take or Path("MIDI"), setup.rate, setup.silence_s)
            self._file = FilePlayback(silence, audio.block_samples, setup.ring, stream.position)
        elif setup.take is not None:
            channel = audio.input_channel - 1 if audio.input_channel else None
            sound = AudioFile(setup.take, setup.rate, channel)
            self._file = FilePlayback(sound, audio.block_samples, setup.ring, stream.position)
        if keeper:
            stream.look()

    def _begin_at(self) -> int:
        """The first sample that is rendered: 0, or where the stream is when another process has died."""
        if not self._resumed:
            return 0
        self._stream.start()
        at = self._stream.clock.sample_at(time.monotonic())
        if self._file and not self._setup.ring.ended:
            self._setup.ring.silence(at)
        return -(-max(at + self._lead, self._setup.stems.written) // QUANTUM) * QUANTUM

    def _welcome(self, card: SoundCard) -> None:
        self._lead_for(card)
        if card.latency != self._latency:
            self._retime(card.latency)
        if self._output_mixer:
            self._output_mixer.use(card, self.player.rendered)

    def _lead_for(self, card: SoundCard) -> None:
        """Render as far ahead as the card asks for at once, and a little more; never less far than is configured."""
        self._asks = asks = card.asks
        lead = self._least_lead + max(asks - self._setup.config.audio.block_samples, 0)
        lead = min(-(-lead // QUANTUM) * QUANTUM, LEAD_MAX)
        if self._output_mixer is None or lead <= max(self._lead, self._behind):
            return  # what was rendered further ahead stays
        if self._behind:
            self._behind = lead
        else:
            self._lead = lead
        self._output_mixer.lead(self._lead, self._behind)
        self._retime(self._latency)

    def _retime(self, latency: Latency) -> None:
        """Take over a card's latencies."""
        config, rate = self._setup.config, self._setup.rate
        self._latency = latency
        extra_s = (config.audio.output_latency_ms or 0.0) / 1000
        heard_s = latency.input_s + latency.output_s + extra_s if self._lead else 0.0
        behind_s = self._behind / rate + latency.output_s if self._behind else 0.0
        input_s = 0.0 if self._file else latency.input_s
        self.player.retime(heard_s, input_s - behind_s + self._midi_late_s)
        self._band_delay = round(heard_s * rate)
        if self._output_mixer:
            self._output_mixer.click.delay = self._band_delay
        self._lead_s = max(self._lead - self._least_lead, 0) / rate

    # -- the main loop ----------------------------------------------------------------------------------------

    def run(self) -> None:
        self._wait_for_go()
        set_realtime_priority(PRIORITY)
        sys.setswitchinterval(SWITCH_S)
        gc.collect()
        gc.freeze()
        gc.disable()
        if not self._resumed:
            self._render(self._lead)
            self._stream.start()
        if self._file and not self._setup.ring.ended:
            self._file.start()
        while not self._stopping and not self.player.finished:
            self._turn()
            self._sleep()
        self.player.stop()
        for _ in range(1 + len(self.player.records) // RECORDS_PER_REPORT):
            self._report(stopped=True)

    def _wait_for_go(self) -> None:
        while not self._stopping and not self._resumed and not self._listen():
            time.sleep(0.005)

    def _listen(self) -> bool:
        """Read commands and plans; return whether Go was among them."""
        goes = False
        for message in (*self._commands.receive(), *self._plans.receive()):
            goes |= isinstance(message, Go)
            self._obey(message)
        self._stopping |= self._commands.gone
        return goes

    def _obey(self, message: AudioCommand | Planned) -> None:
        player = self.player
        match message:
            case Plan():
                player.accept(message)
                if self._output_mixer:
                    self._output_mixer.click.follow(message.grid)
            case SetClick():
                if self._output_mixer:
                    self._output_mixer.click.obey(message)
            case InputEnded(at_s):
                player.end(at_s)
            case PlayLoop() if message.path:
                self._loop_sounds.load(message, self._setup.rate)
            case PlayLoop():
                self._looper.play(message)
            case StopLoop():
                self._looper.stop(message)
            case SetMix():
                player.mix(message)
            case SetFader():
                player.fade(message)
            case SetVoice(path):
                self._voices.load(path, self._setup.rate)
            case SetTechnique(technique):
                player.take_technique(technique)
            case SendMidi(data):
                player.send(data)
            case Panic():
                self._looper.clear()
                player.panic(self._now_s())
            case SetPart():
                player.set_part(message.part, message.enabled)
            case SetInput(weights):
                self._looper.take(weights)
                self._heard.take(weights)
                if self._output_mixer:
                    self._output_mixer.take(weights)
            case Stop():
                self._stopping = True
            case Go():
                pass
            case _:
                assert_never(message)

    def _now_s(self) -> float:
        clock = self._stream.clock
        return clock.stream_of(time.monotonic()) if clock.running else 0.0

    def stop_soon(self) -> None:
        self._stopping = True

    def _turn(self) -> None:
        """Do each of the steps once, longest a millisecond; what is due at the MIDI port is sent between them."""
        self._send_first()
        self._listen()
        self._send_first()
        if loop := self._loop_sounds.take():
            self._looper.play_sound(*loop)
        if voice := self._voices.take():
            self.player.take_voice(voice)
        stream = self._stream
        stream.poll(time.monotonic())
        if stream.card and self._output_mixer:
            self._output_mixer.steer(stream.card, stream.clock, time.monotonic())
            if stream.card.asks != self._asks:
                self._lead_for(stream.card)
        self._send_first()
        self.player.follow(self._heard.away_db())
        self._render_in_pieces()
        if stream.card:
            stream.card.quiet = self._rests
        if stream.clock.running and not self._send_first():
            self.player.send_due(stream.clock.stream_of(time.monotonic()))
        if time.monotonic() - self._reported_s > REPORT_EVERY_S:
            self._report()

    def _render_in_pieces(self) -> None:
        """Render up to the target; what is due at the MIDI port meanwhile is sent between two pieces."""
        target = min(self._target(), self.player.rendered + RENDER_MAX)
        while not self._send_first():
            at = self.player.rendered
            self._render(min(at + (RENDER_MAX if self._rests else PIECE), target))
            if self.player.rendered == at or self.player.rendered + QUANTUM > target:
                return

    def _send_first(self) -> bool:
        """Whether a message was due sooner than a block is rendered; it was waited for awake, and sent."""
        clock = self._stream.clock
        due_s = clock.monotonic_of(self.player.next_send_s()) if clock.running else float("inf")
        if due_s - time.monotonic() > SOON_S:
            return False
        while (now_s := time.monotonic()) < due_s:
            pass
        self.player.send_due(clock.stream_of(now_s) + 1e-6)
        return True

    def _target(self) -> int:
        """Return the sample up to which to render now."""
        ring = self._setup.ring
        target = ring.written + self._lead
        if ring.ended and self._stream.clock.running and self._knows_the_end():
            # the clock goes on until the last note has rung out
            target = max(target, round(self._now_s() * self._setup.rate))
        return target

    def _knows_the_end(self) -> bool:
        """Return whether the end of the music is known, from the mind or after waiting MIND_TIMEOUT_S for it."""
        ring, player = self._setup.ring, self.player
        end_s = ring.written / self._setup.rate
        if not player.knows_end and self._now_s() > end_s + MIND_TIMEOUT_S:
            player.end(end_s)
        return player.knows_end

    def _render(self, target: int) -> None:
        player, stems_out, output_mixer = self.player, self._setup.stems, self._output_mixer
        target = min(target, player.rendered + RENDER_MAX)
        adds = self._looper.is_on or (output_mixer is not None and output_mixer.adds)
        self._rests = not adds and player.next_sound_s > target / player.rate + REST_AHEAD_S
        while player.rendered + QUANTUM <= target and not player.finished:
            start = player.rendered
            stems = player.render(target - start)
            self._rests &= player.quiet
            quiet = player.quiet and not self._looper.is_on
            lanes = self._with_loop(stems, start)
            if quiet:
                stems_out.silence(player.rendered)
            else:
                stems_out.write(lanes.transpose(1, 0, 2).reshape(lanes.shape[1], -1))
            if output_mixer and quiet and not output_mixer.adds:
                output_mixer.skip_to(player.rendered)
            elif output_mixer:
                output_mixer.write(lanes[:-1], start, lanes[-1] if self._looper.is_on else None)

    def _with_loop(self, stems: Stems, start: int) -> Stems:
        """Stems [parts, n, 2] from stream sample `start` on, and the loop as one more."""
        lanes = self._lanes[:, : stems.shape[1]]
        lanes[:-1], lanes[-1] = stems, 0.0
        if self._looper.is_on:
            self._looper.mix_into(lanes[-1], start + self._band_delay)
        return lanes

    def _sleep(self) -> None:
        clock, due_s = self._stream.clock, float("inf")
        if clock.running:
            due_s = clock.monotonic_of(self.player.next_send_s())
        self._wakes.sleep(due_s, self._rests, (self._plans, self._commands))

    def _report(self, stopped: bool = False) -> None:
        self._reported_s = time.monotonic()
        player, stream = self.player, self._stream
        failed = self._file.failed if self._file else ""
        report = reported(stream, player, self._wakes, failed, stopped, self._latency, self._band_delay, self._lead_s)
        if self._reports.send(report):  # else it goes with the next report
            del player.records[:RECORDS_PER_REPORT], player.notes[:RECORDS_PER_REPORT]

    def close(self) -> None:
        """Silence everything and close all outputs, whatever happened before."""
        if self._port:
            self._port.close()
        if self._file:
            self._file.close()
        self._stream.close()
