"""The player in the audio process: parts, panic, a process started in the middle, and the clock beside the notes."""

import numpy as np
import pytest

from agent.core.messages import SetFader, SetMix
from agent.core.types import PARTS, MixWish, Plan, PlannedNote
from agent.engine.player import QUANTUM, RECORDS_MAX, Player
from listener.types import Grid, Meter

RATE = 48_000
GRID = Grid(0.0, 0, 1, 0.5, Meter(4, 4), 1.0, 1.0)


class Band:
    """Synth and port in one: remembers what it is told."""

    sends_clock, unheard, losses, silent, cause = True, 0, 0, False, ""

    def __init__(self):
        self.got = []

    def send(self, part, message):
        self.got.append((part, *message))

    def send_raw(self, message):
        self.got.append(message)

    def render(self, n):
        return np.zeros((len(PARTS), n, 2), np.float32)

    def lead_in_s(self, part, key, velocity):
        return 0.0

    def all_off(self):
        self.got.append("off")

    def prepare(self, asked, style):
        pass

    def sound(self, asked, style):
        pass

    def wish(self, wishes):
        self.got.append(dict(wishes))

    panic = all_off

    def poll(self): ...


def note(tick, part="drums", pitch=36, beats=0.1):
    on_s = GRID.time_of(tick / 4)
    return PlannedNote(part, on_s, on_s + beats * 0.5, pitch, 100, tick)


def plan(*notes, tentative=(), grid=GRID):
    return Plan(notes, tentative, max((n.on_s for n in notes), default=0.0) + 0.01, 0.0, grid)


@pytest.fixture
def band():
    return Band(), Band()


@pytest.fixture
def player(band):
    return Player(RATE, PARTS, *band)


def play(player, until_s):
    while player.rendered / RATE < until_s:
        player.render()
        player.send_due(player.rendered / RATE)


def sounding(got):
    on = set()
    for message in got:
        if isinstance(message, tuple) and message[0] in PARTS:
            (on.add if message[1] == 0x90 else on.discard)((message[0], message[2]))
    return on


def test_panic_silences_synth_and_port_and_the_plan_goes_on(player, band):
    player.accept(plan(note(4, "chords", 60, 8), note(16, "line", 72, 8)))
    play(player, 1.0)
    player.panic(1.0)
    for output in band:
        assert output.got[-1] == "off"
        assert not sounding(output.got)
    play(player, 2.5)
    assert all(sounding(output.got) == {("line", 72)} for output in band)


def test_a_part_is_switched_off_at_once_and_on_again_from_its_next_note(player, band):
    player.accept(plan(*(note(t, "line", 60 + t, 0.9) for t in range(4, 32, 4)), *(note(t) for t in range(4, 32, 4))))
    play(player, 1.2)
    player.set_part("line", False)
    assert not any(("line", 68) in sounding(output.got) for output in band)
    before = [len([m for m in output.got if m[0] == "line"]) for output in band]
    play(player, 2.2)
    assert [len([m for m in output.got if m[0] == "line"]) for output in band] == before
    assert player.counts.muted == 2
    player.set_part("line", True)
    play(player, 3.0)
    assert ("line", 0x90, 80, 100) in band[1].got


def test_a_process_started_in_the_middle_plays_what_is_still_to_come_and_no_more():
    synth, port = Band(), Band()
    player = Player(RATE, PARTS, synth, port, start_sample=-(-2 * RATE // QUANTUM) * QUANTUM)
    player.accept(plan(*(note(t) for t in range(0, 32, 4))))
    play(player, 4.0)
    ons = [m for m in port.got if m[0] == "drums" and m[1] == 0x90]
    assert len(ons) == 4  # the note of this very moment, and three more
    assert player.counts.dropped == 4


def test_without_a_plan_the_last_bar_goes_on_until_the_end_is_told(player, band):
    bar = [note(t) for t in range(0, 16, 4)]
    player.accept(plan(*bar, tentative=tuple(note(t) for t in range(16, 32, 4))))
    play(player, 8.0)
    ons = [m for m in band[1].got if m[0] == "drums" and m[1] == 0x90]
    assert len(ons) == 16
    assert (player.counts.improvised, player.counts.patterned) == (4, 8)
    player.end(8.0)
    play(player, 9.4)
    assert len([m for m in band[1].got if m[0] == "drums" and m[1] == 0x90]) == 16
    assert not sounding(band[1].got)


def test_the_clock_starts_with_the_band_and_stops_with_it(player, band):
    player.accept(plan(*(note(t) for t in range(16, 48, 4))))
    play(player, 4.01)
    raw = [m[0] for m in band[1].got if isinstance(m[0], int)]
    assert raw[:3] == [0xF2, 0xFA, 0xF8]
    assert raw.count(0xF8) == 4 * 24 + 1
    player.stop()
    assert (0xFC,) in band[1].got[-4:]


def test_what_was_late_is_told_and_records_nobody_takes_are_bounded(player):
    player.accept(plan(*(note(t) for t in range(4, 32, 4))))
    while player.rendered < 3 * RATE:
        player.render()
        player.send_due(player.rendered / RATE - 0.0005)
    assert 0.01 < player.counts.lateness_ms(0.5) < 3.0
    player.records.extend([{}] * RECORDS_MAX)
    player.panic(3.0)
    player.accept(plan(note(28)))
    play(player, 4.0)
    assert player.counts.unrecorded > 0


def test_a_wish_for_the_mix_comes_at_its_time_however_the_sound_is_asked_for(player, band):
    wet = {"snare": MixWish(reverb=0.4)}
    for most in (QUANTUM, 16 * QUANTUM):
        synth = Band()
        one = Player(RATE, PARTS, synth, None)
        one.mix(SetMix(0.1, wet))
        while not synth.got:
            before = one.rendered
            one.render(most)
        assert synth.got == [wet]
        assert before == round(0.1 * RATE / QUANTUM) * QUANTUM


def test_a_fader_acts_at_once_and_is_added_to_what_directions_ask_for(player, band):
    player.mix(SetMix(0.0, {"chords": MixWish(pan=-0.5, level_db=-2.0)}))
    player.render(QUANTUM)
    player.fade(SetFader("chords", MixWish(level_db=-6.0)))
    assert band[0].got[-1] == {"chords": MixWish(pan=-0.5, level_db=-8.0)}
    player.fade(SetFader("chords", None))
    assert band[0].got[-1] == {"chords": MixWish(pan=-0.5, level_db=-2.0)}


def controllers_until(player, band, end_s):
    """Send what is due, every 10 ms; return the controllers that came."""
    before = len(band[1].got)
    for k in range(round(end_s * 100)):
        player.send_due(k / 100)
    return [m for m in band[1].got[before:] if m[1] == 0xB0]


def test_an_instrument_at_the_port_is_told_by_controllers_from_the_wish_s_time_on_and_smoothly(player, band):
    player.mix(SetMix(0.3, {"chords": MixWish(pan=-1.0, bright_octaves=-1.0), "snare": MixWish(reverb=1.0)}))
    assert controllers_until(player, band, 0.25) == []
    said = controllers_until(player, band, 1.0)
    pans, brights = ([m[3] for m in said if m[2] == number] for number in (10, 74))
    assert pans == [32, 16, 8, 4, 2, 1] and brights == [48, 40, 36, 34, 33, 32]
    player.mix(SetMix(1.1, {}))
    assert controllers_until(player, band, 2.0)[-2:] == [("chords", 0xB0, 10, 64), ("chords", 0xB0, 74, 64)]


def test_a_piece_of_the_kit_is_struck_softer_where_a_hardware_synth_plays_it(player, band):
    player.mix(SetMix(0.0, {"snare": MixWish(level_db=-12.0)}))
    notes = [PlannedNote("drums", at_s, at_s + 0.1, key, 100, 0) for at_s, key in ((0.2, 38), (0.3, 36))]
    player.accept(Plan(tuple(notes), (), 1.0, 0.0))
    controllers_until(player, band, 0.5)
    struck = {m[2]: m[3] for m in band[1].got if m[1] == 0x90}
    assert struck == {38: 50, 36: 100}


def test_a_fader_s_level_is_the_instrument_s_volume_and_another_instrument_is_told_again(player, band):
    player.fade(SetFader("line", MixWish(level_db=-12.0)))
    assert controllers_until(player, band, 1.0)[-1] == ("line", 0xB0, 7, 50)
    band[1].losses += 1
    assert controllers_until(player, band, 2.0)[-1] == ("line", 0xB0, 7, 50)
