"""Turns what a direction asks of the mix into MIDI controllers, for a hardware synth that plays the band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent.core.types import MixWish

PAN, BRIGHTNESS, REVERB = 10, 74, 91  # General MIDI 2: pan, filter cutoff, reverb send
CC_REST = {PAN: 64, BRIGHTNESS: 64, REVERB: 40}  # where they stand after a reset


def controllers(wishes: Mapping[str, MixWish], parts: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield (part, controller, value 0-127); pieces of the kit have no channel of their own and are left out."""
    for part in parts:
        wish = wishes.get(part, MixWish())
        reverb = CC_REST[REVERB] * (1 + wish.reverb) if wish.reverb < 0 else CC_REST[REVERB] + 87 * wish.reverb
        values = {PAN: 64 + 63 * wish.pan, BRIGHTNESS: 64 + 32 * wish.bright_octaves, REVERB: reverb}
        for number, value in values.items():
            yield part, number, min(max(round(value), 0), 127)
