"""Makes of the configuration of a session that of one in which nobody plays."""

from __future__ import annotations

from dataclasses import replace

from agent.core.midi_constants import BASS_PROGRAM
from agent.core.settings import OWN_BASS, Config, PartConfig
from agent.mood.mood_words import senses_of

COMMIT_MS = 1_500.0  # nobody waits for an answer, so that a slow machine has time


def with_mood(config: Config, words: str, patient: bool, keeps_sound: bool) -> Config:
    """Return the configuration with a bass of the band's own. keeps_sound: whether the session's sound is recorded;
    endless music would fill the disk. Raises UserError for senses that cannot be read."""
    senses_of(config.mood.senses)
    bass = PartConfig(channel=_free_channel(config), program=BASS_PROGRAM)
    return replace(
        config,
        mood=replace(config.mood, words=words, patient=patient),
        parts={**config.parts, OWN_BASS: bass},
        models=replace(config.models, codec_enabled=False),
        band=replace(config.band, commit_ms=COMMIT_MS),
        conversation=replace(config.conversation, proposals=False),
        recording=config.recording if keeps_sound else replace(config.recording, keep="midi"),
    )


def _free_channel(config: Config) -> int:
    used = {part.channel for part in config.parts.values()}
    return next(channel for channel in range(1, 17) if channel not in used)
