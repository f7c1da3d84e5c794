"""Holds what players call things: parts, features, sections, chords, keys, degrees and numbers, as tables."""

from __future__ import annotations

PLURAL = "+"  # marks a plural name

NAMES: dict[str, str] = {  # target -> names, the commonest first; "+" marks a plural
    "kick": "kick, kick, kick drum, bass drum, kick, kicks+",
    "snare": "snare, snare, snare, snare drum",
    "hat": "hats+, hat, hi-hat, hi-hats+, hihat, hi hat, high hat, hi hats+, hats+",
    "ride": "ride, ride, ride cymbal, ride, ride bell",
    "toms": "toms+, toms+, floor tom, tom toms+, tom",
    "cymbals": "cymbals+, crash, cymbals+, crashes+, crash cymbal, splash, crash cymbals+",
    "percussion": "shaker, tambourine, cowbell, congas+, claps+, percussion, bongos+, handclaps+, triangle, maracas+, conga, shakers+, woodblock, "
    "hand claps+, tambo",
    "drums": "drums+, drums+, drums+, drummer, drum kit, kit, beat, drum part, drumming, drums+, drum groove",
    "harmony": "chords+, piano, keys+, keys+, piano, keyboard, keyboards+, organ, guitar, guitars+, strings+, pads+, pad, rhodes, harmony, comping, pianist, voicings+, "
    "accompaniment, harmonies+, synth, electric piano, chords+, guitarist, keyboard player, chord part, synths+, wurlitzer, piano player, keys player, harmony part",
    "line": "melody, lead, line, vibes+, horns+, horn, sax, trumpet, lead line, top line, counter line, melody line, flute, soloist, vibraphone, violin, "
    "saxophone, lead, melody, counter-line, horn section, fiddle, lead part, brass, topline, trombone",
    "bass": "bass, bass, bass in the mix, bass level, bass sound, bass in my monitor",
    "band": "everything, everything, everybody, everyone, whole band, band, all of it, all of you+, whole thing, lot, mix, whole lot, rest of the band",
    "feel": "groove, feel, pocket, rhythm, time feel, groove",
}
BARE = frozenset({"everything", "everybody", "everyone", "all of it", "all of you"})
GROUPS: dict[str, tuple[str, ...]] = {
    "parts": ("kick", "snare", "hat", "ride", "toms", "cymbals", "percussion", "drums", "drums", "harmony", "harmony", "line"),
    "pitched": ("line", "harmony", "line"),
    "pitchedno": ("harmony", "harmony", "line"),
    "pitchedlen": ("harmony", "harmony", "line", "cymbals", "hat", "snare", "toms", "ride"),
    "swingers": ("drums", "hat", "ride", "snare", "line", "harmony", "feel"),
}  # fmt: skip
GROUPS["partsband"] = (*GROUPS["parts"], "band")
GROUPS["partsfeel"] = (
    "kick",
    "snare",
    "hat",
    "ride",
    "toms",
    "percussion",
    "drums",
    "drums",
    "harmony",
    "line",
    "feel",
)
GROUPS["partsall"] = (*GROUPS["parts"], "feel")
LEVELLED = (*GROUPS["parts"], "bass")  # what has a level or a reverb in the mix
SINGULAR_FEATURES = "half-time, double-time, disco beat, shuffle, bossa, walking, ride pattern"
FEATURES: dict[str, tuple[str, str, str]] = {  # name said -> (singular, target, value)
    "fills": ("fill", "drums", "fill"), "fill": ("fill", "drums", "fill"), "drum fills": ("drum fill", "drums", "fill"),
    "rolls": ("roll", "drums", "fill"), "ghost notes": ("ghost note", "snare", "ghost-notes"),
    "ghost-notes": ("ghost-note thing", "snare", "ghost-notes"), "brushes": ("brush thing", "drums", "brushes"),
    "half-time": ("half-time thing", "drums", "half-time"), "double time": ("double time thing", "drums", "double-time"),
    "sus chords": ("sus chord", "harmony", "sus"), "power chords": ("power chord", "harmony", "power-chords"),
    "arpeggios": ("arpeggio", "harmony", "arpeggio"), "triplets": ("triplet thing", "line", "triplets"),
    "blast beats": ("blast beat", "drums", "blast-beat"), "drum breaks": ("drum break", "drums", "break"),
    "drum solos": ("drum solo", "drums", "solo"), "side stick": ("side stick", "snare", "side-stick"),
    "double kick": ("double kick thing", "kick", "double-kick"), "sevenths": ("seventh thing", "harmony", "sevenths"),
    "stop time": ("stop time thing", "band", "stop-time"), "open hats": ("open hat", "hat", "open"),
    "chromatic chords": ("chromatic bit", "harmony", "chromatic"), "counter melody": ("counter melody", "line", "counter-melody"),
    "four on the floor": ("four on the floor", "kick", "four-on-the-floor"), "polyrhythms": ("polyrhythm", "drums", "polyrhythm"),
    "crash on the one": ("crash on the one", "cymbals", "crash-on-one"), "walking": ("walking thing", "bass", "walking"),
    "disco": ("disco thing", "drums", "disco"), "pedal": ("pedal thing", "harmony", "pedal"),
}  # fmt: skip
COUNTED = ("fills", "drum fills", "rolls", "ghost notes", "sus chords", "power chords", "arpeggios", "blast beats", "drum breaks", "drum solos", "sevenths", "open hats", "chromatic chords", "polyrhythms", "triplets")  # fmt: skip
SOUNDS: dict[str, str] = {
    "piano": "piano, a piano, the piano, grand piano, an upright piano", "rhodes": "rhodes, a rhodes, the rhodes, electric piano, fender rhodes",
    "organ": "organ, an organ, the organ, hammond, a hammond, a B3", "clavinet": "clavinet, a clav, clav, a clavinet",
    "strings": "strings, a string section, string sounds, violins", "synth": "synth, a synth, a synthesizer, the synth, some synth",
    "pad": "pads, a pad, a soft pad, warm pads", "guitar": "guitar, a guitar, acoustic guitar, an electric guitar, nylon guitar",
    "brass": "brass, a brass section, horns, a horn section", "choir": "choir, a choir, choir voices, voices",
    "vibes": "vibes, vibraphone, a vibraphone, the vibes", "flute": "flute, a flute, the flute", "sax": "sax, a sax, saxophone, a tenor sax",
    "trumpet": "trumpet, a trumpet, muted trumpet, a muted trumpet",
}  # fmt: skip
CHORD_SOUNDS = ("piano", "rhodes", "organ", "clavinet", "strings", "synth", "pad", "guitar", "brass", "choir", "vibes")
LINE_SOUNDS = ("vibes", "flute", "sax", "trumpet", "synth", "guitar", "strings", "piano", "organ", "choir")
SECTIONS: dict[str, str] = {
    "verse": "verse, verses", "chorus": "chorus, choruses, chorus, refrain", "bridge": "bridge, bridge", "intro": "intro, introduction, intro",
    "outro": "outro, outro", "solo": "solo, solo section, solos", "head": "head", "middle-8": "middle eight, middle 8", "coda": "coda",
    "second-verse": "second verse, 2nd verse, verse two, verse 2", "first-verse": "first verse, verse one, verse 1", "last-verse": "last verse, final verse",
    "last-chorus": "last chorus, final chorus", "first-chorus": "first chorus, chorus one", "second-chorus": "second chorus, chorus two, chorus 2",
    "third-verse": "third verse, verse three", "pre-chorus": "pre chorus, pre-chorus, prechorus", "breakdown": "breakdown", "drop": "drop", "hook": "hook",
    "a": "A section, letter A, A part", "b": "B section, letter B, B part", "c": "C section, letter C, C part",
    "second-half": "second half", "first-half": "first half", "tag": "tag", "turnaround": "turnaround", "interlude": "interlude", "ending": "ending",
}  # fmt: skip
COMMON_SECTIONS = ("verse", "chorus", "bridge", "intro", "outro", "solo", "verse", "chorus", "bridge", "head", "middle-8", "coda", "second-verse", "last-chorus", "last-verse", "first-verse", "a", "b")  # fmt: skip
SMALL = "a bit, a little, a touch, slightly, a tad, a hair, a notch, just a bit, a little bit, a smidge, a wee bit, just a touch, a shade, a tiny bit, somewhat, just a hair, ever so slightly, a fraction, just slightly, a small bit, a whisker, a nudge"
SMALL_BEFORE = "a bit, a little, slightly, a touch, a tad, a little bit, a hair, just a bit, a tiny bit, a wee bit, a notch, a smidge, somewhat, just a little, a shade, marginally, kinda, kind of, bit, ever so slightly"
LARGE = "a lot, way, a whole lot, massively, a good deal, loads, a ton, big time, drastically, heaps"
LARGE_BEFORE = (
    "way, much, a lot, far, loads, massively, a whole lot, considerably, significantly, miles, really a lot, heaps"
)
KEYS = ("C", "D", "E", "F", "G", "A", "B", "Bb", "Eb", "Ab", "Db", "F#", "C#", "Gb", "G#")
QUALITIES = (
    "m",
    "7",
    "m7",
    "maj7",
    "9",
    "",
    "sus4",
    "dim",
    "m7b5",
    "6",
    "7#9",
    "add9",
    "m9",
    "13",
    "sus2",
    "aug",
    "maj9",
)
METERS = ("7/8", "5/4", "3/4", "6/8", "4/4", "9/8", "5/8", "11/8", "2/4", "7/4", "12/8", "6/4", "13/8")
GROUPINGS = ("2+2+3", "3+2+2", "3+3+2", "2+3", "3+2", "2+2+2+3", "3+3+3+2")
