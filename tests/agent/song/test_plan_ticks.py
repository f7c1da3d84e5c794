"""The plan tells the responder what it decided, tick by tick."""

from agent.parts.bass_bar import BassBar, BassNote
from agent.parts.groove_library import GrooveLibrary
from agent.song.bar_planner import plan_bar
from agent.song.plan_ticks import plan_tick
from agent.song.song_plan import SongPlan, hear
from listener.types import Meter
from models.music.tokens import QUALITY_NAMES, drum_levels

RIFF = BassBar(Meter(4, 4), 16, tuple(BassNote(4 * beat, 3, 40 + 3 * (beat % 2), 90) for beat in range(4)))


def test_each_tick_says_the_chord_the_place_and_the_groove_of_its_section() -> None:
    song, library = SongPlan(), GrooveLibrary.load()
    for number in range(3):
        song, bar = plan_bar(song, [RIFF] * 8, library, True)
        groove = song.sections[song.current].groove.bar(bar.place.bar)
        for tick in range(16):
            told = plan_tick(bar, song, tick)
            chord = [one for one in bar.chords if one.tick <= tick][-1]
            assert told.harmony == (chord.root, QUALITY_NAMES.index(chord.quality), chord.tick == tick)
            assert told.section == (number, False) and told.phrase == (number, bar.place.length)
            assert told.groove == tuple(drum_levels(groove[tick]))
            assert (told.again == "new") == (number == 0)
            assert told.level is not None
        song = hear(song, RIFF, bar)
