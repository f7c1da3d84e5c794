"""`SongBars` stands between the band's bars and the song's.

An odd bar is the song's own bar, cut or longer; a bar that is added is the one before once more, one that is dropped
goes by unplayed. So the song knows its riff all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.leading.coming_along import Ring, ring_of
from agent.song.expectation import foretell
from agent.song.live_song import LiveSong
from agent.song.song_form import cycle_of
from listener.types import Meter
from models.music.plan_tick import PlanTick
from models.music.tokens import BassTick, Position, Reply, ticks_per_beat

USUAL_CYCLE = 4  # bars that are counted where the riff has no cycle of its own, or a shorter one
KEPT_BARS = 3


class SongBars:
    """reply, on_tick and turn as of `LiveSong`, in the band's bars. usual: the song's meter, None = as bars come."""

    def __init__(self, song: LiveSong) -> None:
        self.song = song
        self.usual: Meter | None = None
        self._shift = 0  # the song's bar less the band's
        self._jumps: dict[int, int] = {}  # from this bar of the band's on, so much more
        self._again: set[int] = set()  # bars in which the bar before is played once more
        self._played: list[BassTick] = []  # heard in the newest of them
        self._replies: dict[int, dict[int, Reply]] = {}  # of the song's newest bars
        self._at: Position | None = None  # of the song, that was heard last
        self._odd = False  # whether the bar being heard is not as the song's

    # -- which bar is which -----------------------------------------------------------------------------------

    def of(self, bar: int) -> int:
        """Return the song's bar for one of the band's."""
        return bar + self._shift + sum(more for start, more in self._jumps.items() if start <= bar)

    def add(self, bar: int) -> None:
        """Play the bar before once more in `bar`, so that the song goes on a bar later."""
        self._again.add(bar)
        self._jumps[bar] = self._jumps.get(bar, 0) - 1
        self._played = []

    def drop(self, bar: int) -> None:
        """Leave out the song's bar that would come in `bar`."""
        self._jumps[bar] = self._jumps.get(bar, 0) + 1

    def take_back(self, bar: int, added: bool) -> None:
        """The player did not come along: from `bar` on the song is where they are."""
        if added:
            self._jumps[bar] = self._jumps.get(bar, 0) + 1
        else:
            self.song.later(1)

    def cycle(self, least: int) -> int:
        """Return the bars of the cycle in which bars are counted: a multiple of the riff's, at least `least`."""
        own, _ = cycle_of(self.song.song.bars)
        cycle = own or USUAL_CYCLE
        return cycle * max(-(-max(USUAL_CYCLE, least) // cycle), 1)

    def place(self, bar: int, cycle: int) -> int:
        """Return which bar of the cycle one of the band's is, from 0."""
        return (self.song.heard_before(self.of(bar)) - self.song.song.phrase_of) % cycle

    def ring(self, bar: int) -> tuple[Ring, int]:
        """Return the riff tick by tick, and the place in it at which a bar of the band's begins."""
        song = self.song.song
        own, _ = cycle_of(song.bars)
        cycle = own or USUAL_CYCLE
        ring = ring_of(song.bars, cycle)
        bars = song.bars[-cycle:]
        if not ring or len({one.ticks for one in bars}) != 1:
            return (), 0
        return ring, ((self.song.heard_before(self.of(bar)) - song.heard) % cycle) * bars[0].ticks

    # -- the song ---------------------------------------------------------------------------------------------

    def reply(self, position: Position, final: bool) -> Reply:
        """Return what the song has for a tick of the band's."""
        bar, tick = self.of(position.bar), position.tick
        if position.bar in self._again and tick in (known := self._replies.get(bar, {})):
            return known[tick]
        usual = self.usual or position.meter
        ticks = _ticks_in(usual)
        if tick >= ticks:  # a longer bar goes on with its last beat
            beat = ticks_per_beat(usual)
            return self._replies.get(bar, {}).get(ticks - beat + (tick - ticks) % beat, Reply())
        reply = self.song.reply(Position(tick, bar, usual), final)
        if self.usual is not None:
            self._replies.setdefault(bar, {})[tick] = reply
            for old in sorted(self._replies)[:-KEPT_BARS]:
                del self._replies[old]
        return reply

    def told(self, position: Position) -> PlanTick | None:
        """Return what the song has decided of a tick of the band's, as the responder reads it."""
        usual = self.usual or position.meter
        return self.song.told(Position(min(position.tick, _ticks_in(usual) - 1), self.of(position.bar), usual))

    def on_tick(self, position: Position, bass: BassTick) -> None:
        """Take one tick of the bass that is heard in full."""
        if position.bar in self._again:
            self._played.append(bass)
            self.song.overhear(bass)
            return
        usual = self.usual or position.meter
        bar = self.of(position.bar)
        if self._at is not None and bar != self._at.bar:
            self._fill(bar)
        self._again = {later for later in self._again if later > position.bar}
        self._odd = self._odd or position.meter != usual
        if position.tick >= _ticks_in(usual):
            self.song.overhear(bass)
            return
        self._at = Position(position.tick, bar, usual)
        self.song.on_tick(self._at, bass)

    def _fill(self, bar: int) -> None:
        """Tell the song the rest of an odd bar, and the bars that went by while the band was elsewhere."""
        assert self._at
        at, odd, played = self._at, self._odd, self._played
        ticks = at.ticks_per_bar
        self._odd, self._played = False, []
        if odd:
            self._tell(at.bar, at.meter, [BassTick(True)] * (ticks - 1 - at.tick), at.tick + 1)
        for missing in range(at.bar + 1, min(bar, at.bar + 3)):
            told = foretell(self.song.song.bars, at.meter, ticks).notes
            onsets = {note.tick: BassTick(True, note.pitch, note.velocity, note.pitch) for note in told}
            foretold = [onsets.get(tick, BassTick(True)) for tick in range(ticks)]
            self._tell(missing, at.meter, played if len(played) == ticks else foretold)
        self._settle(bar)

    def _settle(self, bar: int) -> None:
        """What lies behind counts once for all."""
        behind = [start for start in self._jumps if start + self._shift <= bar]
        for start in sorted(behind):
            self._shift += self._jumps.pop(start)

    def _tell(self, bar: int, meter: Meter, heard: Sequence[BassTick], start: int = 0) -> None:
        for tick, bass in enumerate(heard, start):
            self.song.on_tick(Position(tick, bar, meter), bass, False)

    def turn(self, now: Position, ratio: float | None) -> None:
        """The band's bars have turned."""
        self._at, self._odd, self._again = None, False, set()
        usual = self.usual or now.meter
        self.song.turn(Position(min(now.tick, _ticks_in(usual) - 1), self.of(now.bar), usual), ratio)

    def reset(self) -> None:
        """There is no beat any more."""
        self._at, self._odd, self._again, self.usual = None, False, set(), None
        self._jumps, self._replies, self._shift = {}, {}, 0


def _ticks_in(meter: Meter) -> int:
    return Position(0, 0, meter).ticks_per_bar
