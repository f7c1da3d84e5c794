"""Keeps the audio stream going: the sound card's samples while there is one, silence of the same length while not.

Stream seconds follow the monotonic clock whatever happens to the card; missing samples are zeros. A gap longer than
GAP_MAX_S (the process itself was stopped) is left out of the stream instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from agent.audio.card_keeper import Keeper
from agent.audio.sound_card import Latency, SoundCard
from agent.audio.stream_clock import SharedStamp, StreamClock
from agent.core.errors import UserError
from listener.ring import Ring

LOST_S = 0.3  # without a block
SLIP_S = 0.03  # a card that is late by so much, block after block, has left out sound
SLIP_WINDOW_S = 0.25
GAP_MAX_S = 5.0  # more is not filled up
OPEN_S = 20.0
SHORT_BLOCKS = 4


class Stream:
    """The audio stream. Its rings have one writer at a time: the attached card's callback, or `poll`.

    rings: those the card writes, sample by sample in step; empty where a file is played. keeper: None without a card.
    on_card: called with a card before it is attached.
    """

    def __init__(
        self,
        rate: int,
        block_samples: int,
        rings: tuple[Ring, ...],
        stamp: SharedStamp,
        keeper: Keeper | None,
        on_card: Callable[[SoundCard], object] = lambda card: None,
    ) -> None:
        self._rate, self._block, self._rings, self._stamp, self._keeper = rate, block_samples, rings, stamp, keeper
        self.clock = StreamClock(rate)
        self._on_card = on_card
        self.card: SoundCard | None = None
        self.losses = self.returns = 0
        self.skipped_s = self._silent_s = 0.0
        self._cause = ""  # of the last gap
        self._lost_at_s = 0.0  # 0: it is not lost
        self._counts = np.zeros(3, np.int64)  # of cards that are gone
        self._on_time_s = 0.0
        self._ready: SoundCard | None = None
        if before := stamp.read():
            self.clock.resume(before)

    # -- beginning --------------------------------------------------------------------------------------------

    def open(self) -> Latency:
        """Wait for the card that `look` seeks. Raises UserError where there is none."""
        if self._keeper is None:
            raise UserError("no sound card is looked for: the stream was made without")
        self._ready = card = self._keeper.first_look(OPEN_S)
        self._keeper.take()
        return card.latency

    def look(self) -> None:
        """Find the card without waiting for it."""
        if self._keeper:
            self._keeper.seek()

    def start(self) -> None:
        """The stream begins, or goes on where the last process left it."""
        now_s = time.monotonic()
        if self._ready and not self.clock.running:
            self._on_card(self._ready)
            self._ready.attach(0)
            self.card, self._ready = self._ready, None
            return
        if not self.clock.running:
            self.clock.resume((0, now_s, 1.0 / self._rate))
        self._lost_at_s = now_s if self._keeper else 0.0
        self._bridge(now_s)

    # -- going on ---------------------------------------------------------------------------------------------

    def poll(self, now_s: float) -> None:
        """Once in every turn of the main loop."""
        if self.card:
            self._follow(self.card, now_s)
        if self.card is None and self.clock.running:
            self._bridge(now_s)
            self._welcome()
        if self.clock.running:
            self._stamp.write(self.clock.pair)

    def position(self) -> float:
        """The stream's sample now. Any thread."""
        card = self.card
        if card:
            return float(card.stamp()[0])
        return self.clock.stream_of(time.monotonic()) * self._rate if self.clock.running else 0.0

    def count(self, kind: int) -> int:
        """Return XRUNS or MISSING (agent/audio/sound_card.py), summed over every card so far."""
        card = self.card
        return int(self._counts[kind] + (card.counts[kind] if card else 0))

    @property
    def silent_s(self) -> float:
        """Seconds of the stream without a card."""
        return self._silent_s + (time.monotonic() - self._lost_at_s if self._lost_at_s else 0.0)

    @property
    def cause(self) -> str:
        """Why there is no card now, else why there was none the last time."""
        seeks = self._keeper.cause if self._keeper and self.card is None else ""
        return "; ".join(dict.fromkeys(filter(None, (self._cause, seeks))))

    @property
    def stuck(self) -> bool:
        return self._keeper is not None and self._keeper.stuck

    def close(self) -> None:
        """Close the card, waiting for its driver no longer than CLOSE_S (agent/audio/card_keeper.py)."""
        card = self.card or self._ready
        if card:
            card.detach()
        if self._keeper:
            self._keeper.close(card)

    # -- with a card ------------------------------------------------------------------------------------------

    def _follow(self, card: SoundCard, now_s: float) -> None:
        if now_s - card.seen_s > LOST_S:
            self._lose(card, now_s)
            return
        samples, at_s = card.stamp()
        late_s = at_s - self.clock.monotonic_of(samples / self._rate) if self.clock.running else 0.0
        if late_s <= SLIP_S:
            self._on_time_s = at_s
            self.clock.update(samples, at_s)
        elif late_s > LOST_S or at_s - self._on_time_s > SLIP_WINDOW_S:
            self._realign(card, late_s)  # not jitter: sound was left out

    def _realign(self, card: SoundCard, late_s: float) -> None:
        card.detach()
        self.losses += 1
        self.returns += 1
        self._silent_s += min(late_s, GAP_MAX_S)
        self._cause = f"{card.name or 'the sound card'} left out {1000 * late_s:.0f} ms"
        self._bridge(card.seen_s)
        self._attach(card)

    def _lose(self, card: SoundCard, now_s: float) -> None:
        card.detach()
        self._counts += card.counts
        card.counts[:] = 0  # it may come back
        self.card, self._lost_at_s = None, now_s
        self._cause = f"{card.name or 'the sound card'}: no sound for {LOST_S:g} s"
        self.losses += 1
        if self._keeper:
            self._keeper.seek(card)

    # -- without ----------------------------------------------------------------------------------------------

    def _bridge(self, now_s: float) -> None:
        """Silence up to now, a few blocks short of it: the place of a card that comes must be free."""
        stood_s = now_s - self.clock.pair[1]
        if stood_s > GAP_MAX_S:
            self.clock.pause(stood_s)
            self.skipped_s += stood_s
            self._cause = f"the audio process was stopped for {stood_s:.1f} s; that time is left out of the recording"
        self.clock.coast(now_s)
        self._fill(self.clock.sample_at(now_s) - SHORT_BLOCKS * self._block)

    def _fill(self, until: int) -> None:
        for ring in self._rings:
            ring.silence(until)

    def _welcome(self) -> None:
        card = self._ready or (self._keeper.take() if self._keeper else None)
        self._ready = None
        if card is None:
            return
        self._attach(card)
        self._silent_s, self._lost_at_s = self.silent_s, 0.0
        self.card = card
        self.returns += 1

    def _attach(self, card: SoundCard) -> None:
        """The card's next block lies where the clock says, to a block."""
        at = max(self.clock.sample_at(card.seen_s), *(ring.written for ring in self._rings), 0)
        self._fill(at)
        self._on_card(card)
        self._on_time_s = card.seen_s
        card.attach(at)
