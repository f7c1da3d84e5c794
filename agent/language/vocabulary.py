"""The one table of producer terms: what is said, the edits it stands for, and the musical measure that shows it.

Longer than 300 lines because it is one table. `measure` names what a test takes from the output of the target over the
edit's scope; `moves` is the sign of its change ("+", "-"), "=" where it must equal the edit's value, "0" where it must
not move. How a phrase works depends on the column it stands in:

comparative  carries its own sign: "louder drums"; "don't make it louder" keeps the dimension as it is
quality      an adjective that needs a degree: "more present", "too loud" (the opposite), "not loud enough"
noun         the dimension's name, needs more/less/up/down: "more volume", "raise the level", "no reverb"
feature      something that is there or not: "ghost notes", "no fills", "more fills", "love that fill"
order        complete in itself: "lay back", "speed up"; "don't speed up" keeps the tempo
complaint    the cure is meant: "the snare is buried", "stop rushing", "less muddy"
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.directions.edit import Edit

COLUMNS = ("comparative", "quality", "noun", "feature", "order", "complaint")


@dataclass(frozen=True, slots=True)
class Term:
    """name: how it is called in replies. edits: what it stands for, its default target included (Edit.read, split
    by ";"). only: the other targets that may take its place; "any" = all that have the dimension, "" = none."""

    name: str
    edits: str
    measure: str
    moves: str
    comparative: str = ""
    quality: str = ""
    noun: str = ""
    feature: str = ""
    order: str = ""
    complaint: str = ""
    only: str = "any"

    def phrases(self, column: str) -> tuple[str, ...]:
        return tuple(phrase.strip() for phrase in getattr(self, column).split(",") if phrase.strip())

    def read(self) -> tuple[Edit, ...]:
        return tuple(Edit.read(short) for short in self.edits.split(";"))


LEVEL = "level of the target alone, dB RMS"
DENSITY = "onsets of the target a bar"
PITCH = "mean MIDI pitch of the target"
CENTROID = "spectral centroid of the target, Hz"
ROUGH = "dissonance of the sounding pitches (Sethares 1993), mean over ticks"
FIFTHS = "share of chord changes whose root falls by a fifth"
OFFSET = "mean onset minus grid, ms (later = behind)"
SPREAD = "standard deviation of onset minus grid, ms"
SWING = "long to short ratio of the eighths"
BPM = "beats a minute"
METER = "meter of the bars in scope"
SYNCOPATION = "Longuet-Higgins and Lee syncopation a bar (1984)"
VELOCITY = "mean MIDI velocity"
CHANGE = "share of onsets (tick, pitch) that differ from the bar before"
DURATION = "mean sounding share of the time to the next onset"
BARS = "bars of the form"
SOUNDING = "onsets of the target (0 = silent)"
STEPS = "bar pattern on the 16th grid: where the named pieces strike"
TAIL = "reverberation send of the target, MIDI CC 91"
WIDTH = "side to mid energy, dB"
PANNED = "left to right level difference, dB"
PITCHES = "pitch classes sounding"
SAME = "notes equal to those of the named take"
BACKBEATS = "share of chord strokes on beats two and four"
ANSWER = "share of onsets while the player rests"

SCALES = (
    Term(
        "louder", "band.level more", LEVEL, "+",
        comparative="louder, hotter, bigger, more up, stronger, more upfront, further forward, further up, more to the front, fatter",
        quality="audible enough, loudly, full blast, full volume, at full volume, full on, loud, present, prominent, forward, up front, upfront, in your face, hot, in front, audible, strong, fat, big, dominant",
        noun="noise, racket, volume, level, loudness, gain, presence, fader, db",
        order="give it a boost, boost it, give them a boost, lift, lift it, forte, fortissimo, play forte, mezzo forte, turn up, turn it up, bring up, crank, crank up, boost, bump, bump up, bring out, bring forward, bring to the front, push up, pump up, "
        "turn that up, up in the mix, louden, make room for, feature",
        complaint="not speaking, does not speak, not cutting through, does not cut through, not coming through, does not come through, not punching through, not poking through, buried, lost in the mix, getting lost, gets lost, drowned, drowned out, inaudible, hiding, cannot hear, "
        "can not hear, barely hear, hardly hear, hard to hear, could not hear, hear more of, want to hear more, thin, weedy, wimpy, weak",
    ),
    Term(
        "quieter", "band.level less", LEVEL, "-",
        comparative="quieter, softer, lower in the mix, further back, smaller, more quietly, more softly",
        quality="quietly, softly, barely there, hardly there, whisper quiet, whispered, quiet, soft, subtle, low in the mix, in the background, far back, faint, small, discreet, discrete",
        order="whisper, pianissimo, mezzo piano, sotto voce, play pianissimo, turn down, turn it down, turn that down, pull back, dial back, dial down, tuck, tuck in, tuck back, duck, hush, keep it down, "
        "back off, ease off, tone down, rein in, bring down, take down, lay off, shush, bury, soften, tame, take back, sit back in the mix, "
        "down in the mix, back in the mix, pull down, knock down, attenuate, set back",
        complaint="overpowering, drowning out, drowning, deafening, sticks out, sticking out, stands out, poking out, pokes out, poking, "
        "dominating, dominates, blaring, ear splitting, shouting, covers, covering, overbearing, killing my ears, blasting, drown, hurting my ears, in my face",
    ),
    Term(
        "denser", "band.density more", DENSITY, "+",
        comparative="denser, busier, fuller, thicker, richer, more notes, more hits, more strokes, more going on, more stuff, more movement, more active, extra notes",
        quality="densely, fancy, complicated, complex, fussy, elaborate, ornate, flashy, intricate, dense, busy, full, thick, active, crowded, rich",
        noun="density, notes, hits, activity, strokes, subdivisions, busyness, note count",
        order="fill it out, fill out, flesh out, thicken, fill up, fill it up, go nuts, fill in the gaps, fill the gaps",
        complaint="not enough going on, nothing going on, not much going on, too little going on, not enough happening, empty, bare, bald, naked, underplaying, too little happening, nothing happening, hollow, holes",
    ),
    Term(
        "sparser", "band.density less", DENSITY, "-",
        comparative="easier, sparser, simpler, thinner, emptier, fewer notes, less notes, fewer hits, more open, more minimal, airier, more spacious, plainer, leaner",
        quality="sparsely, easy, empty, sparse, simple, minimal, open, spacious, airy, plain, minimalist, basic, bare bones",
        noun="silence, silences, rests, silence between the notes, space between the notes, space between notes, rests between the notes, space, room, air, breathing room, gaps, breathing space",
        order="take some stuff away, take stuff away, take things away, take something away, play only what is needed, only what is needed, only the essentials, just the essentials, out of the way, out of my way, out of the singer's way, pare the part down, nothing fancy, leave space, leave some space, leave me space, leave more space, leave space for me, leave room, leave some room, leave me room, leave me some room, "
        "leave me some space, leave gaps, thin out, thin it out, strip back, strip it back, strip down, strip it down, declutter, simplify, make space, make room, breathe, "
        "lay off the notes, give me room, give me space, give me some room, give me some space, stay out of my way, get out of my way, stay out of the way, "
        "keep it simple, less is more, pare down, pare it back, open up, give it some air, give it air, let it breathe, less going on, space out",
        complaint="crowding me, crowding, stepping on my toes, on my toes, filling every gap, filling all the gaps, in each other's way, stop playing over me, steps on, steps all over, walks over, too much going on, a lot going on, so much going on, too much happening, too much stuff, stepping all over, stepping all over me, walking all over, stepping on, stepping on me, cluttered, overplaying, overplay, playing over me, play over me, messing, frantic, hectic, noodling, cramped, congested, over the top, packed, all over the place",
    ),
    Term(
        "higher", "line.register more", PITCH, "+",
        comparative="more high notes, higher notes, more high stuff, higher, higher up, further up the neck",
        quality="high, high up",
        noun="register, pitch, range, octave",
        order="go up, move up, shift up, up high, play up high, up the octave, up top, climb",
        complaint="too deep",
    ),
    Term(
        "lower", "line.register less", PITCH, "-",
        comparative="more low notes, lower notes, lower, deeper, further down",
        quality="low, deep, low down",
        order="go down, move down, shift down, down low, play down low, down the octave, stay low",
        complaint="shrill, squeaky",
    ),
    Term(
        "brighter", "band.brightness more", CENTROID, "+",
        comparative="brighter, crisper, sharper, sparklier, clearer, shinier, more sparkly, more trebly, snappier, crispier, more crisp, more top",
        quality="bright, crisp, sparkly, sharp, brilliant, trebly, shiny, clear, snappy, shimmery",
        noun="crack, brightness, treble, highs, top end, sparkle, brilliance, high end, snap, shimmer, presence in the highs, bite, clarity",
        order="brighten, brighten up, open the filter, open up the filter, brighten it up",
        complaint="dull, muddy, muffled, boomy, woolly, dead sounding, murky, boxy",
    ),
    Term(
        "darker", "band.brightness less", CENTROID, "-",
        comparative="darker, warmer, mellower, rounder, duller, smokier, more mellow, murkier, muddier",
        quality="dark, warm, mellow, round, smoky, dusky, muted sounding, wooly",
        noun="darkness, warmth, low pass",
        order="darken, warm up, warm it up, close the filter, take the edge off, roll off the highs, roll off the top, darken it",
        complaint="harsh, shrill sounding, brittle, tinny, piercing, sizzly, abrasive, glassy, hissy, ear piercing, fizzy",
    ),
    Term(
        "more tension", "harmony.dissonance more", ROUGH, "+",
        comparative="crunchier, tenser, spicier, more outside, grittier, uglier, more clashing, nastier, more out, edgier, dirtier, weirder, more rub",
        quality="tense, dissonant, crunchy, outside, spicy, edgy, jazzy, discordant, clashing, gritty, weird, out there, jarring, unsettling, sour, angular",
        noun="tension, tensions, dissonance, crunch, rub, spice, dissonances, grit, friction, clash, clashes, edge, extensions, weirdness, tensio, bitterness",
        order="rough it up, rough up, colour, color, colour it, color it, colour up, dirty up, dirty it up, mess up the chords, roughen, take it outside, go outside, play outside, take it out, rub, crunch up, spice up, spice it up",
        complaint="too nice, too sweet, cheesy, too safe, saccharine, too pretty, corny, too sugary, vanilla, bland",
    ),
    Term(
        "more consonant", "harmony.dissonance less", ROUGH, "-",
        comparative="sweeter, more consonant, prettier, more inside, smoother sounding, cleaner, nicer, purer, more harmonious, more diatonic",
        quality="consonant, sweet, pretty, inside, clean, harmonious, diatonic, pure",
        noun="consonance, sweetness",
        order="play inside, stay inside, clean up the chords",
        complaint="clashes, clashes with me, clashing with me, sour notes, wrong notes, ugly, rubs the wrong way",
    ),
    Term(
        "resolve", "harmony.resolution on", FIFTHS, "+",
        noun="resolution, cadence, cadences, resolutions, closure",
        quality="resolved, solved",
        order="release, release it, release the tension, let go of the tension, make it land, land it, land, resolve, resolving, resolves, let it resolve, resolve it, bring it home, come home, land on the tonic, land on the root, "
        "land on the one chord, go home, end on the tonic, land home, cadence on the tonic, settle on the tonic, take it home, solve, land on the i, "
        "finish the cadence, return to the tonic, go to the tonic, end on the root",
    ),
    Term(
        "leave it unresolved", "harmony.resolution off", FIFTHS, "-",
        quality="unresolved, open ended",
        feature="deceptive cadence",
        order="leave the ending open, leave the end open, hold back the resolution, delay the resolution, postpone the resolution, withhold the resolution, hold off resolving, hold off the resolution, delay resolving, stay open, leave the tension hanging, let the tension hang, leave the tension, stay hanging, leave them hanging, hold the dissonance, leave it unresolved, leave it hanging, let it hang, leave it open, hang unresolved, hold the tension, keep the tension, keep it unresolved, "
        "hold it unresolved, avoid the tonic, leave it in the air, let it hang unresolved, keep it open, hang in the air, hanging, stay unresolved, leave unresolved",
    ),
    Term(
        "behind the beat", "feel.timing less", OFFSET, "+",
        comparative="later, more behind, lazier, more laid back, more relaxed, further behind, further back in time",
        quality="behind the beat, behind, laid back, late, lazy, relaxed, draggy, back of the beat, behind the click, behind me, loping",
        feature="dilla feel, dilla time, drunk feel, drunken feel",
        order="relax the time, relax the feel, relax the groove, lay back, lay it back, lay way back, sit back, lag, drag, drag it, drag the beat, pull it back, hang back, lay back on the beat, lean back, sit behind the beat, delay, "
        "play on the back of the beat, on the back of the beat, sit on the back of the beat, sit it back, push it back, push back, sit behind, play behind",
        complaint="ahead, rushing, rushes, rush, rushed, ahead of me, running away, runs ahead, getting ahead, early, too early, hurrying, hurried, jumping ahead, running ahead, jumping the gun",
    ),
    Term(
        "ahead of the beat", "feel.timing more", OFFSET, "-",
        comparative="more on top of the beat, earlier, more ahead, more urgent, further ahead, pushier, more on top",
        quality="ahead of the beat, ahead, on top of the beat, urgent, eager, pushy, front of the beat, on top of it, on the front of the beat",
        noun="urgency, forward motion, push",
        order="push harder, push it harder, push, push it, push the beat, push ahead, lean forward, lean into it, drive it, play on top, push the time, sit on top of the beat, play on top of the beat, "
        "anticipate, push it forward, lean in, get ahead of the beat, push forward, lean ahead, play ahead, on top, play on the front of the beat",
        complaint="late, too late, behind, dragging, drags, lagging, sluggish, behind all the time, lags, falling behind",
    ),
    Term(
        "swing it", "feel.swing more", SWING, "+",
        comparative="swingier, more swung, bouncier, swinging more, groovier, more triplety",
        quality="swung, swingy, swinging, bouncy",
        noun="swing, bounce, lilt, swing feel, swing amount, swung feel, triplet feel",
        order="swing it harder, swing them harder, swing it, swing, swing that, swing the eighths, swing the 8ths, swing the 16ths, swing the sixteenths, swing harder, swing out, put some swing on it, make it swing, let it swing",
        complaint="stiff as a board",
    ),
    Term(
        "straight", "feel.swing off", SWING, "-",
        comparative="straighter",
        quality="straight, square eighths",
        feature="straight eighths, straight 8ths, straight sixteenths, straight 16ths, straight feel, even eighths, straight time",
        order="straighten, straighten out, straighten it out, straighten up, play it straight, straight up, straighten out the eighths, unswing",
    ),
    Term(
        "faster", "band.tempo more", BPM, "+",
        comparative="faster, quicker, more uptempo, more up tempo, more fast",
        quality="quickly, fast, quick, up tempo, uptempo",
        noun="tempo, speed, bpm, pace, beats per minute",
        order="speed up, speed it up, pick it up, pick up the pace, hurry up, accelerate, pick up, pick up the tempo, step on it, speed up the tempo, hurry",
        complaint="slowing down, slowed down, slows down, too slow, slower than me, plodding",
        only="",
    ),
    Term(
        "slower", "band.tempo less", BPM, "-",
        comparative="slower, more slowly, more slow",
        quality="slowly, slow",
        order="slow down, slow it down, slow, decelerate, put the brakes on, ease the tempo, slow it, slow it up, hold back the tempo, slow up",
        complaint="speeding up, sped up, speeds up, too fast, racing, faster than me",
        only="",
    ),
    Term(
        "more syncopated", "feel.syncopation more", SYNCOPATION, "+",
        comparative="more off beat, more offbeat, funkier, trickier, more broken, more off the beat, jerkier",
        quality="jerky, syncopated, off beat, offbeat, funky, broken, tricky, off the beat",
        noun="syncopation, offbeats, off beats, syncopations, off beat stuff, funk, upbeats, anticipations",
        order="syncopate, syncopate it, play off the beat, play the offbeats, play on the offbeats, break up the beat, break it up, mess with the rhythm, play around the beat, funk it up",
        complaint="square, on the nose, predictable rhythm",
    ),
    Term(
        "less syncopated", "feel.syncopation less", SYNCOPATION, "-",
        comparative="squarer, more on the beat, more squarely, more straightforward, straighter rhythm",
        quality="on the beat, straightforward, on the grid rhythmically, square",
        order="play on the beat, stay on the beat, keep it on the beat, keep the beat square",
    ),
    Term(
        "more intense", "band.intensity more", VELOCITY, "+",
        comparative="harder, heavier, more intense, more aggressive, more powerful, wilder, angrier, punchier, more energetic, fiercer, rockier, meaner, livelier, more driving, hypier, more exciting, more alive",
        quality="intense, aggressive, powerful, hard, heavy, energetic, punchy, fierce, angry, driving, wild, strident, lively, hype, exciting, epic, forceful",
        noun="energy, intensity, power, punch, aggression, drive, attack, oomph, fire, excitement, force, weight, attitude, balls, life, juice, passion, momentum, grunt, muscle, velocity, umph",
        order="smack it, bash it, whack it, whack, thump, attack, dig in, hit harder, hit it harder, lean into the drums, go for it, let rip, go all out, let loose, rock out, go wild, amp up, amp it up, hit it hard, hit it, hit hard, "
        "take it up, give it some welly, step it up, bash, smash, smack, wallop, turn up the heat, rock harder, play hard, kick it up, come on strong, dig in harder, up the energy, liven up, liven it up, get going",
        complaint="lifeless, limp, sleepy, tired, flat, timid, shy, polite, lame, lacks energy, wimpish",
    ),
    Term(
        "gentler", "band.intensity less", VELOCITY, "-",
        comparative="gentler, calmer, more gentle, mellower playing, more delicate, lighter, less hard, more chill, chiller, tamer, more tender, more restrained, more laidback",
        quality="gently, delicately, gentle, calm, delicate, chill, light, tender, restrained, chilled",
        noun="restraint, finesse",
        order="go easy on, easy on, ease up on, calm down, calm it down, chill, chill out, take it easy, cool it, cool down, ease up, take it down, settle down, play gently, "
        "play softly, lighten up, lighten, play lightly, bring it down, mellow out, simmer down, die down, relax, go easy, cool off, restrain, hold back",
        complaint="bashing, banging, hammering, pounding, smashing, brutal, violent, frenzied",
    ),
    Term(
        "vary it", "band.variation more", CHANGE, "+",
        comparative="more varied, more interesting, more surprising, more adventurous, more creative, looser with the part, freer, more unpredictable, more free",
        quality="varied, interesting, surprising, adventurous, unpredictable, creative, inventive, different, free",
        noun="variation, variety, surprise, surprises, variations, changes of pattern, difference, ideas",
        order="change something, change something up, vary, vary it, mix it up, change it up, shake it up, do something different, try something different, try something else, something different, something new, surprise me, switch it up, "
        "play something else, develop, develop it, evolve, evolve it, embellish, improvise, improvise more, stretch out, play around with it, play with it, stray, twist it, give me something different, ",
        complaint="repeat yourself, repeating yourself, repeating yourselves, the same thing over and over, same thing over and over, over and over, boring, repetitive, monotonous, the same all the time, always the same, predictable, same old, samey, stale, bored, robotic pattern, uninspired, dull part, formulaic, getting old",
    ),
    Term(
        "steadier", "band.variation less", CHANGE, "-",
        comparative="steadier, more repetitive, more consistent, more predictable, more hypnotic, more stable, more uniform",
        quality="steadily, steady, consistent, repetitive, predictable, hypnotic, stable, constant, uniform",
        noun="repetition, consistency, steadiness",
        order="stay put, hold it down, stick to it, stick to the pattern, keep it steady, lock it down, stop improvising, stop changing, hold the groove, stay on it, keep it consistent, stick with the pattern, "
        "keep repeating, play the same thing, keep it the same, stay on that groove, sit on it, no changes",
        complaint="random, chaotic, unfocused, wandering, jumpy",
    ),
    Term(
        "longer", "form.length more", BARS, "+", comparative="longer", quality="long", noun="length, duration",
        order="add bars, extend, lengthen, stretch it, extend it, stretch, prolong, tag",
        complaint="too short, ends too soon",
    ),
    Term(
        "shorter", "form.length less", BARS, "-", comparative="shorter", quality="short, brief",
        order="shorten, cut it short, cut short, trim, shorten it", complaint="too long, goes on forever, drags on, never ends",
    ),
    Term(
        "legato chords", "harmony.length more", DURATION, "+",
        comparative="smoother, more legato, more sustained, more connected, more connected notes, longer notes, longer chords, more flowing",
        quality="smoothly, legato, sustained, connected, smooth, flowing, held, drawn out, long notes, long chords",
        noun="ring, ringing, sustain, long notes, long chords, note length, notes length",
        feature="legato chords, held chords, sustained chords, whole notes, sustained notes, legato, pads held, tied notes, held notes",
        order="hold it longer, fermata, let it ring, let them ring, let ring, hold the chords, hold the notes, hold them longer, sustain, sustain it, connect the notes, play legato, hold your notes, hold it out, play long notes, ring out",
        complaint="disjointed",
    ),
    Term(
        "staccato chords", "harmony.length less", DURATION, "-",
        comparative="more staccato, choppier, stabbier, shorter notes, shorter chords, more clipped, more detached, more percussive, pluckier, more stabby",
        quality="staccato, choppy, detached, stabby, clipped, percussive, plucky, short notes, short chords",
        feature="staccato chords, stabs, chord stabs, short stabs, staccato, skank, upstrokes, short notes",
        order="choke, damp, dampen, chop, stab, cut the notes short, play short, play staccato, clip the notes, chop up, damp the notes, chop shorter",
        complaint="smeary, blurry, ringing over, ringing too long, overlapping, bleeding together",
    ),
    Term(
        "tighter", "feel.timing set tight", SPREAD, "-",
        comparative="tighter, more precise, more together, more locked, more on the grid, more accurate, more exact, more in the pocket, more quantized, more quantised",
        quality="tightly, tight, precise, locked, together, on the grid, quantized, quantised, in time, locked in, in the pocket, accurate, exact, solid, in sync",
        noun="precision, tightness, accuracy",
        order="tighten, tighten up, tighten it, tighten it up, lock in, lock it in, lock in with me, lock with me, lock up, get it together, play in time, quantize, quantise, keep time, lock to me, lock in with the bass, lock with the bass",
        complaint="sloppy, messy, loose timing, shaky, out of time, flamming, flams, wobbly, not together, all over the shop, ragged, uneven, unsteady, off time",
    ),
    Term(
        "looser", "feel.timing set loose", SPREAD, "+",
        comparative="looser, more human, sloppier, more natural, less quantized, less quantised, more organic, more greasy, greasier, messier",
        quality="loosely, loose, human, natural, organic, greasy, sloppy",
        noun="looseness, humanity, human feel, human touch, grease, slop",
        order="loosen, loosen up, loosen it, loosen it up, humanize, humanise, humanise it, humanize it",
        complaint="stiff, robotic, mechanical, rigid, machine like, like a machine, like a drum machine, sterile, machinelike, like a robot, like a metronome, wooden",
    ),
    Term(
        "wetter", "band.reverb more", TAIL, "+", comparative="wetter, more ambient, roomier, more distant, more washy, dreamier, more ethereal, splashier",
        quality="wet, ambient, roomy, washy, echoey, cavernous, dreamy, ethereal, reverberant",
        noun="reverb, echo, ambience, room sound, delay effect, hall, tails, verb, wash, room mic, wetness",
        order="wash out, drench, soak, put in a hall",
    ),
    Term(
        "drier", "band.reverb less", TAIL, "-", comparative="drier, dryer, closer, more dry, more up close, less wet", quality="dry, close, up close",
        order="dry out, dry up, dry it out, dry it up, dry",
        complaint="washy sounding, swimming, swimmy, too wet, swamped, echoing, swimming in reverb",
    ),
    Term(
        "wider", "band.width more", WIDTH, "+", comparative="wider, broader, more stereo, more spread out", quality="wide, broad, spread out, panoramic",
        noun="width, stereo width, spread, stereo", order="widen, spread out, spread it out, widen it, open up the stereo",
        complaint="mono, narrow sounding",
    ),
    Term(
        "narrower", "band.width less", WIDTH, "-", comparative="narrower, more mono, more centered, more centred", quality="narrow, mono",
        order="narrow, narrow it, mono it, collapse to mono, make it mono, centre it, center it",
    ),
)  # fmt: skip

FEATURES = (
    Term(
        "four on the floor", "kick.pattern set four-on-the-floor", STEPS, "=",
        feature="four to the bar, 4 to the bar, kick on all 4 beats, kick on all the beats, kick on each beat, bass drum on all 4 beats, four on the floor, 4 on the floor, 4 to the floor, four to the floor, 4 on floor, four on floor, kick on every beat, kick on all 4, kick on all four, kick on every quarter, "
        "bass drum on every beat, kick every beat, kick all 4 beats, 4 times each bar every beat, on every beat, on all 4, on all 4 beats, bass drum on all 4, 4x4 kick, pumping kick, steppers, steppers beat, steppers kick, kick on the quarters, on every quarter, every quarter note, "
        "4 times each bar, 4 to the bar kick", only="drums",
    ),
    Term("half-time", "drums.pattern set half-time", STEPS, "=",
         feature="half time, halftime, half time feel, halftime feel, half the time, half feel, half speed feel, half the speed feel, half time groove, cut the time in half, half time beat, half time shuffle, backbeat on 3, snare on 3, snare only on 3",
         order="halve the time, halve the feel", only="feel"),
    Term("double-time", "drums.pattern set double-time", STEPS, "=",
         feature="double time, doubletime, double time feel, doubletime feel, double speed feel, double feel, double time beat, twice the time",
         order="double the time, double up the time, double up, double the feel", only="feel"),
    Term("drop out", "band.mute on", SOUNDING, "-",
         order="drop out, drop outs, lay out, sit out, sit this one out, stop playing, tacet, stay out, go silent, shut up, be quiet, cut out, stay silent, come out, drop everything, "
         "cut everything, pause, get out, hold off, cease, stroll, stay quiet, fall silent, take a rest, silence, stop", feature="dropout"),
    Term("come back in", "band.mute off", SOUNDING, "+",
         order="tutti, come in, come back in, come back, join in, enter, start playing, kick in, bring in, bring back in, re enter, start again, unmute, join, jump in, get in, back in, drop in, start, play again, back on, reenter, resume, unsilence"),
    Term("build", "band.intensity more |gradual", VELOCITY, "+",
         order="build, build up, build it, build it up, crescendo, ramp up, grow, swell, escalate, rise, climax, build to a climax, build through, gradually build, build towards, keep building, raise the roof, ramp it up, work up to",
         feature="crescendo, buildup, build up, riser, big crescendo, climb up", complaint="goes nowhere, going nowhere"),
    Term("build tension", "harmony.dissonance more |gradual", ROUGH, "+", order="build tension, build the tension, build some tension, build up tension, build up the tension, increase the tension slowly, tension builds", only="line"),
    Term("steady tempo", "band.tempo keep", BPM, "0", order="hold the tempo, keep the tempo, keep the tempo steady, hold the tempo steady, steady tempo, steady time, same tempo, stay at this tempo, stay at that tempo, keep this tempo, keep the same tempo, keep the speed, hold the speed", only=""),
    Term("two feel", "bass.pattern set two-feel", "bass onsets a bar", "-", feature="two feel, 2 feel, play in two, half notes"),
    Term("fade", "band.intensity less |gradual", VELOCITY, "-",
         order="fade, fade out, die down gradually, diminuendo, decrescendo, wind down, taper off, die away, fade away, bring it down slowly, ramp down, let it die down, peter out, come down slowly, fade it out",
         feature="decrescendo, fade out, diminuendo"),
    Term("break", "drums.pattern set break", SOUNDING, "-", feature="break, drum break, breakdown, break down, breaks", only="band"),
    Term("fill", "drums.pattern set fill", DENSITY + " in the bar of the fill", "+",
         feature="fill, fills, drum fill, drum fills, roll, rolls, drum roll, fill in, big fill, pickup fill, turnaround fill, fillin", only="snare toms hat kick cymbals percussion line"),
    Term("drum solo", "drums.pattern set solo", DENSITY, "+", feature="drum solo, solo, take a solo, solos", only="line harmony percussion"),
    Term("ghost notes", "snare.pattern set ghost-notes", "snare strokes below velocity 50 a bar", "+",
         feature="ghost notes, ghosts, ghost note, ghosted notes, ghost strokes, ghosted snare, grace notes, ghosting, ghosted",
         order="ghost, ghost the snare, ghost it, ghost the snares", only=""),
    Term("ride instead of hat", "hat.mute on; ride.mute off", "onsets of hat and ride", "=",
         order="ride instead of hat, swap the hat for the ride, hat to ride, move to the ride, go to the ride, switch to the ride, over to the ride, on the ride instead, play it on the ride, ride not hat, swap hat for ride, "
         "take it to the ride, ride rather than hat, ride instead of hats, ride instead of the hat, ride instead of the hats, switch from hat to ride, swap the hats for the ride, swap the hats for a ride, switch to ride, move to ride, go to ride, ride instead of hihat, "
         "trade the hat for the ride, replace the hat with the ride, replace the hats with the ride, replace hat with ride, ride cymbal instead of hat, swap hats for ride, over on the ride, up on the ride, onto the ride, take the ride", only=""),
    Term("hat instead of ride", "hat.mute off; ride.mute on", "onsets of hat and ride", "=",
         order="hat instead of ride, back to the hat, back to the hats, go to the hat, switch to the hat, hats instead of ride, hat instead of the ride, swap the ride for the hat, move to the hat, hats instead of the ride, replace the ride with the hat, "
         "switch to the hats, back on the hats, back on the hat, go to the hats, back to hats, switch to hats, back to hihat, replace ride with hat", only=""),
    Term("side stick", "snare.pattern set side-stick", "side stick (37) strokes a bar", "+",
         feature="side stick, sidestick, rimshot, rim shot, rimshots, rim shots, cross stick, crossstick, rim click, rim clicks, rim, side sticks, cross sticking, rims, rimclick, cross sticks, on the rim", only=""),
    Term("crash on the one", "cymbals.pattern set crash-on-one", "crash on beat 1", "+",
         feature="crash on the one, crash on one, crash on 1, crash on the 1, crash on the downbeat, crash at the top, crash the one, crash on beat 1, crash on beat one, cymbal on the one, cymbal on one, hit the crash on one, "
         "hit the crash on the one, crash on the first beat", only=""),
    Term("brushes", "drums.pattern set brushes", CENTROID, "-", feature="brushes, brush, brushed drums, brush kit, brushed", only="snare"),
    Term("open hat", "hat.pattern set open", "open hat (46) share of the hat's strokes", "+",
         feature="open them, open hat, open hats, open hi hat, open hi hats, open the hat, open the hats, open up the hat, open up the hats, open hihat, open hihats, open the hihat, sloshy hats, barking hats, hat barks, hats open, hat open, slosh", only=""),
    Term("closed hat", "hat.pattern set closed", "closed hat (42) share of the hat's strokes", "+",
         feature="close them, closed, closed hat, closed hats, close the hat, close the hats, tight hats, closed hi hat, closed hi hats, closed hihat, closed hihats, close the hihat, hats closed, close the hi hat, hat closed, close the hi hats, foot on the hats", only=""),
    Term("sixteenths on the hat", "hat.pattern set sixteenths", "hat strokes a bar", "+",
         feature="16 notes, sixteen notes, sixteenths, 16ths, sixteenth notes, 16th notes, 16th hats, sixteenth hats, hats on 16ths, hats in sixteenths, semiquavers, 16ths on the hat, 16ths on the hats, sixteenths on the hat, sixteenths on the hats", only="ride kick percussion line"),
    Term("eighths on the hat", "hat.pattern set eighths", "hat strokes a bar", "=", feature="eighths, 8ths, eighth notes, 8th notes, quavers, hats in eighths, 8ths on the hat, eighths on the hat", only="ride kick percussion line bass harmony"),
    Term("quarters on the hat", "hat.pattern set quarters", "hat strokes a bar", "=", feature="quarters, quarter notes, crotchets, 4ths on the hat, quarters on the hat", only="ride kick percussion line bass harmony"),
    Term("triplets", "line.pattern set triplets", "share of onsets on the triplet grid", "+", feature="triplets, triplet fills, triplet notes", only="drums snare hat toms kick harmony bass ride percussion"),
    Term("shuffle", "feel.swing set shuffle", SWING, "=", feature="shuffle, shuffled, shuffle feel, shuffle beat, shuffling", order="shuffle it, shuffle the beat", only="hat ride drums"),
    Term("backbeat", "snare.pattern set backbeat", STEPS, "=", feature="backbeat, back beat, snare on 2 and 4, 2 and 4, backbeats, on the 2 and 4, snare on the 2 and 4, strong backbeat", only=""),
    Term("one drop", "drums.pattern set one-drop", STEPS, "=", feature="one drop, 1 drop", only=""),
    Term("motorik", "drums.pattern set motorik", STEPS, "=", feature="motorik, krautrock, motorik beat, kraut rock, neu beat", only=""),
    Term("disco", "drums.pattern set disco", STEPS, "=", feature="disco, disco beat, disco groove, disco feel", only="hat"),
    Term("breakbeat", "drums.pattern set breakbeat", STEPS, "=", feature="breakbeat, breakbeats, break beat, amen break, amen, jungle, drum and bass, dnb, drum n bass, d n b", only=""),
    Term("trip-hop", "drums.pattern set trip-hop", STEPS, "=", feature="trip hop, trip hop beat, triphop, trip hop groove", only=""),
    Term("Bristol", "feel.timing less ~small; kick.level more; bass.level more; harmony.resolution off", OFFSET + "; " + LEVEL + "; " + FIFTHS, "+",
         feature="bristol, early 90s bristol, bristol sound, massive attack, portishead, bristol feel, 90s bristol, bristol vibe", only=""),
    Term("bossa", "drums.pattern set bossa", STEPS, "=", feature="bossa, bossa nova, bossanova, bossa beat, samba", only=""),
    Term("funk", "drums.pattern set funk", STEPS, "=", feature="funk beat, funk groove, funk feel, funky drummer", only=""),
    Term("rock beat", "drums.pattern set rock", STEPS, "=", feature="rock beat, money beat, rock groove, straight rock, rock feel, rock", only=""),
    Term("jazz", "drums.pattern set jazz", STEPS, "=", feature="jazz, jazz ride, jazz groove, spang a lang, bebop, jazz feel, jazz time, swing ride, jazz waltz", only=""),
    Term("latin", "drums.pattern set latin", STEPS, "=", feature="latin, latin groove, latin feel, afro cuban, mambo, cha cha, salsa, songo", only=""),
    Term("hip-hop", "drums.pattern set hip-hop", STEPS, "=", feature="hip hop, hiphop, boom bap, boombap, hip hop beat, boom bap beat", only=""),
    Term("house", "drums.pattern set house", STEPS, "=", feature="house beat, house, techno, house groove", only=""),
    Term("blast beat", "drums.pattern set blast-beat", STEPS, "=", feature="blast beat, blast beats, blastbeat, d beat", only=""),
    Term("train beat", "drums.pattern set train", STEPS, "=", feature="train beat, country beat, country train", only=""),
    Term("motown", "drums.pattern set motown", STEPS, "=", feature="motown, motown beat, motown groove, motown feel, tamla", only=""),
    Term("reggae", "drums.pattern set reggae", STEPS, "=", feature="reggae, reggae beat, reggae groove, reggae drums, rocksteady", only=""),
    Term("follow my bass", "kick.pattern set follow-bass", STEPS, "=", order="follow my bass, lock with my bass, lock to my bass, lock in with my bass, follow my notes, lock the kick to my bass, kick follows my bass, kick with my bass, lock the kick with me, follow my bass line", only="drums"),
    Term("double kick", "kick.pattern set double-kick", STEPS, "=", feature="double kick, double bass drum, double kicks, double pedal, double kick drum", only=""),
    Term("stop time", "band.pattern set stop-time", STEPS, "=", feature="stop time, stops, stop time hits, hits only, punches, band hits, accents only, hits with me", only="drums harmony"),
    Term("unison", "line.pattern set unison", "share of line onsets at the player's pitch class", "+",
         feature="shadow the hook, double the hook, mirror the hook, copy the hook, play the hook with me, mirror, mirror me, mirror my line, shadow me, shadow my line, copy me, copy my line, copy my riff, play what i play, play what i am playing, play the same as me, play the same line as me, double my riff, my riff with me, double what i am playing, unison, in unison, unison with me, double me, double my line, double the riff, double the bass, play with me in unison, double what i play", only="band harmony bass"),
    Term("counter-melody", "line.pattern set counter-melody", "share of contrary motion against the player", "+",
         feature="counter melody, countermelody, counter melodies, against my line, contrary motion, counterpoint, a counter line", only="harmony"),
    Term("walking", "bass.pattern set walking", "share of quarter note steps", "+", feature="walking, walking bass, walk, walking line, walking bassline, walking bass line", order="walk it", only="line"),
    Term("arpeggio", "harmony.pattern set arpeggio", "chord tones struck one after another", "+", feature="arpeggio, arpeggios, arpeggiate, arpeggiated, broken chords, arpeggiate the chords, arps, arp", only="line"),
    Term("chords on two and four", "harmony.pattern set backbeat", BACKBEATS, "+", feature="chords on two and four, chords only on two and four, keys on two and four, chords on 2 and 4", order="comp on two and four", only=""),
    Term("comping", "harmony.pattern set comping", SYNCOPATION, "+", feature="comping pattern, comping rhythm, comp rhythm", only=""),
    Term("pedal", "harmony.pattern set pedal", "lowest pitch class stays", "0", feature="pedal, pedal point, pedal note, drone, pedal tone, drones", only="bass line"),
    Term("sus chords", "harmony.pattern set sus", "share of chords with a fourth and no third", "+", feature="suspend, suspend it, sus, sus chords, suspended, suspended chords, suspensions, sus4, sus 4, sus2, sus chord, suspension, suspended harmony, sus4s", only=""),
    Term("modal", "harmony.pattern set modal", FIFTHS, "-", feature="modal, modal harmony, modal feel, quartal, quartal voicings, modally, stacked fourths, dorian vamp", only="line"),
    Term("chromatic", "harmony.pattern set chromatic", "share of pitch classes outside the key", "+", feature="chromatic, chromatics, chromatically, chromaticism, chromatic notes, chromatic passing notes, passing tones, passing chords, chromatic lines", only="line bass"),
    Term("power chords", "harmony.pattern set power-chords", PITCHES, "=", feature="power chords, powerchords, open fifths, fifths only, power chord, bare fifths", only=""),
    Term("seventh chords", "harmony.pattern set sevenths", PITCHES, "=", feature="seventh chords, 7th chords, sevenths, 7ths, ninths, 9ths, ninth chords, 9th chords", only=""),
    Term("triads", "harmony.pattern set triads", PITCHES, "=", feature="triads, simple triads, plain triads, 3 note chords, basic chords", only=""),
    Term("answer me", "line.pattern set answer", ANSWER, "+",
         order="respond when i stop, respond when i stop playing, answer when i stop playing, answer me, answer, respond to me, respond, reply to me, play an answer, answer my phrase, answer my phrases, answer that, answer what i play, reply, answer back, echo me, talk back, respond to my phrases, respond to what i play, talk to me, answer when i stop, "
         "respond to that, answer when i pause, answer my line, answer my riff, react to me, fill when i stop, play when i stop, play when i pause",
         feature="call and response, call & response, question and answer, call response", only="drums harmony"),
    Term("trade fours", "line.pattern set trade ~4 bar", ANSWER, "+", feature="trade fours, trading fours, trade 4s, trade 4, trade 4 bars, fours, trade bars, trading 4s, trade solos", only="drums"),
    Term("trade eights", "line.pattern set trade ~8 bar", ANSWER, "+", feature="trade eights, trade 8s, trade 8, trade 8 bars", only="drums"),
    Term("trade twos", "line.pattern set trade ~2 bar", ANSWER, "+", feature="trade twos, trade 2s, trade 2, trade 2 bars", only="drums"),
    Term("repeat the hook", "line.pattern recall hook", "notes equal to the hook's, transposition apart", "+",
         order="bring the hook in again, play the hook back, recall the hook, reprise the hook, come back to the hook, repeat the hook, bring back the hook, play the hook again, hook again, play the hook, the hook again, back to the hook, give me the hook, do the hook again, quote the hook, repeat the riff, play the riff again, bring back the riff, repeat my hook, repeat my riff, bring the hook back, "
         "bring the riff back, quote my riff, repeat that hook, repeat that riff, play my riff, bring back the motif, repeat the motif, bring the motif back, play my riff back, back to the riff, repeat the melody, bring back the melody, play that hook again, return to the hook, hook once more", only=""),
    Term("odd meter", "form.meter set odd", METER, "=", feature="odd meter, odd metre, odd time, odd bar, an odd bar, odd time signature", only=""),
    Term("polyrhythm", "drums.pattern set polyrhythm", STEPS, "=", feature="polyrhythm, polyrhythms, 3 against 2, 3 against 4, 3 over 4, 3 over 2, 4 over 3, 3 over four, hemiola, cross rhythm, 4 against 3, 2 against 3, 5 against 4, polyrhythmic", only="line harmony percussion"),
    Term("displace it", "drums.pattern set displaced", STEPS, "=", order="shift it by a beat, shift it later, shift it earlier, shift it by an 8th, displace, displace it, shift it by an eighth, move it an eighth later", feature="displacement, displaced, displaced beat, displaced by an eighth", only="line kick snare"),
    Term("reharmonise", "harmony.pattern set reharmonised", PITCHES, "=", order="reharmonise, reharmonize, reharmonise it, reharmonize it, reharm, reharm it, change the chords, different chords, new chords, other chords, substitute the chords, find other chords, swap the chords", feature="reharmonisation, reharmonization, substitutions, tritone subs, tritone substitution", only=""),
    Term("add a bar", "form.length more ~1 bar", BARS, "+",
         order="add a bar, add one bar, add an extra bar, one more bar, an extra bar, extra bar, add another bar, another bar, tack on a bar, put in an extra bar, 1 more bar, a bar more, stretch it by a bar, extend it by a bar, one bar longer, a bar longer, insert a bar, add 1 bar, stick a bar on, a bar extra, tack a bar on", only=""),
    Term("cut a bar", "form.length less ~1 bar", BARS, "-",
         order="drop one bar, lose one bar, remove one bar, take out one bar, cut a bar, drop a bar, take out a bar, remove a bar, one bar less, one bar shorter, one fewer bar, lose a bar, a bar shorter, a bar less, cut one bar, skip a bar, cut out a bar, take a bar out, chop a bar, chop off a bar, cut 1 bar, take a bar off, take off a bar", only=""),
    Term("count in", "form.pattern set count-in", SAME, "=", order="count me in, count us in, count in, count it in, count off, count it off, click me in, give me a count", feature="a count in, count off please", only=""),
    Term("you lead", "band.lead set band", SAME, "=", order="you lead, take the lead, lead the way, you take the lead, lead me", only=""),
    Term("i lead", "band.lead set player", SAME, "=", order="i lead, follow me, follow my tempo, follow my lead, let me lead, just follow me", only=""),
    Term("loop it", "form.pattern set loop", SAME, "=", order="repeat, loop, loop it, loop that, keep looping, repeat it, loop this, vamp, vamp on it, go round again, go around again, repeat that, once more round, round and round, go round, vamp on that, loop around", feature="vamp", only=""),
    Term("a cappella", "band.mute on", SOUNDING, "-", feature="a cappella, acappella, a capella, acapella, on my own, just me, leave me alone, all by myself, me alone, me solo, just the bass player, only me, let me play alone, let me solo, let me take it alone, just my bass", only=""),
    Term("heavier bottom", "bass.level more; kick.level more", "level below 120 Hz, dB RMS", "+",
         comparative="heavier bottom, more bottom, more bottom end, more low end, fatter bottom, fatter bottom end, heavier bottom end, heavier low end, more lows, bassier, fatter low end, more sub, bottom heavier, beefier, boomier, weightier, phatter, more boom, "
         "bigger bottom end, bigger low end, bigger bottom, heavier down low, more weight down low, heavier in the bottom, more weight in the bottom, heavier downstairs",
         quality="heavy bottom, bottom heavy, beefy, bassy, boomy low end", noun="bottom, bottom end, low end, lows, sub, low frequencies",
         complaint="lacks bottom, needs bottom, lightweight, no bottom, no bottom end, no low end, lacking low end", only="kick bass"),
    Term("lighter bottom", "bass.level less; kick.level less", "level below 120 Hz, dB RMS", "-",
         comparative="lighter bottom, less bottom, less low end, less bottom end, lighter low end, less sub, less lows, less boom", only="kick bass"),
    Term("pan left", "band.pan set left", PANNED, "+", feature="pan left, hard left, on the left, to the left, panned left, left side, a bit left, left", order="pan it left", only="any"),
    Term("pan right", "band.pan set right", PANNED, "-", feature="pan right, hard right, on the right, to the right, panned right, right side, a bit right", order="pan it right", only="any"),
    Term("pan to the middle", "band.pan set centre", PANNED, "0", feature="in the middle, centered, centred, in the centre, in the center, to the middle, pan center, pan centre, to the centre, to the center, down the middle", only="any", order="centre, center"),
    Term("undo", "band.take undo", SAME, "=",
         order="undo the last 2, undo the last 2 things, undo the last 2 changes, never mind the last change, forget the last change, forget that last one, forget that, undo, undo that, undo it, take that back, scrap that, revert, revert that, put it back, put it back how it was, put it back the way it was, forget that last change, undo the last change, cancel that, never mind that, roll it back, roll back, "
         "undo the last thing, undo the last one, take it back, change it back, change that back, scrap it, put that back, no go back, cancel the last change, cancel it, undo last, step back, scratch that, back out of that, reverse that, ctrl z, un do, as you were, "
         "go back one, one step back, go back a step, back one step, ditch the last change, undo the last edit, undo your last change, reverse the last change, put it back like it was, roll that back, set it back", only=""),
    Term("go back to that", "band.take recall", SAME, "=",
         order="it was better before, liked it better before, better before, preferred it before, was better before, nicer before, it was nicer before, same as before, the same as before, same as last time, same as it was, go back to that, go back to how it was, back to what we had, go back to what we had, like before, as before, like it was, the way it was, how it was before, as it was, go back, back to before, play it like before, the way it was before, like it was before, go back to what it was, "
         "how it was, back to how it was, return to that, back to that one, go back to that one, do it like before, bring that back, bring back that, back to the way it was, what you had before, what we had before, like you had it, what you played before, what you did before, "
         "the one before, that earlier one, that earlier version, the earlier version, the old one, the old version, the version before", only=""),
    Term("keep that", "band.take keep", SAME, "=",
         order="capture that, save what i just played, save what we just played, do exactly that again, exactly that again, repeat what you just played, repeat what you just did, play that again, do what you just did, play what you just played, same thing again, keep that, keep it, keep this, keep it like that, keep it like this, leave it like that, leave it as it is, that is a keeper, keep it that way, do not change a thing, do not change anything, do not touch anything, do not touch it, hold on to that, save that, keep exactly that, stay with that, "
         "stay like that, stick with that, save this, more like that, more like this, more of that, more of this, do that again, hold that thought, keep doing that, keep doing what you are doing, keep going like that, stay there, that is the one, we keep that, leave it alone, leave it, leave it there, "
         "keep this one, keep that one, do not change it, do not change that, leave everything as it is, remember that, remember this, hold that, keep it exactly like that, keep everything, change nothing, leave that alone, hang on to that, hang onto that, save it, bank that, leave that as is, leave it as is, a keeper", only=""),
)  # fmt: skip

TERMS = SCALES + FEATURES
