"""Where the band loses the beat, bars are counted anew: the partner of the old count is not waited for."""

from typing import cast

from agent.band.ticks import Tick
from agent.core.messages import HearPartner
from agent.core.settings import SyncConfig
from agent.duet.bar_sheet import BarSheet, encoded
from agent.duet.duet import Duet
from agent.parts.bass_bar import BassBar
from agent.song.live_song import LiveSong, ScoredBar
from listener.types import Grid, Key, Meter
from models.music.tokens import Position

FOUR = Meter(4, 4)
BEAT = Grid(0.0, 0, 1, 0.5, FOUR, 1.0, 1.0)
SHEET = BarSheet(1, 0, ScoredBar(BassBar(FOUR, 16, ()), (), "A", Key(0, "maj", 1.0)))


class Silent:
    """A song that has nothing to tell."""

    def coming(self, bar: int) -> None: ...

    def answer(self, bar: int, motif: object) -> None: ...


def step(duet: Duet, bar: int) -> None:
    duet.step(Tick(16 * bar + 4, 4 * bar + 1, 0, Position(4, bar, FOUR)), BEAT, bar, cast(LiveSong, Silent()))


def test_a_partner_of_the_old_count_is_forgotten() -> None:
    duet = Duet(SyncConfig(source="ears", partner="other", turns=2))
    duet.hear(HearPartner(((80.6, bytes(encoded(SHEET))),)))
    step(duet, 40)
    assert not duet.is_ours(42)
    duet.lost()
    step(duet, 0)
    assert all(duet.is_ours(bar) for bar in range(8))  # nobody has been heard since
