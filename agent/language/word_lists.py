"""The words around the table of terms, as data: who is meant, signs, verbs, praise and blame, questions, languages."""

from __future__ import annotations

WHO = {
    "drums": "drums, drum, drummer, kit, drum kit, beat, drum part, drum pattern, drumming, beats, the beat, drumbeat, drum beat, drum set, drumset, drum groove, drum track",
    "kick": "kick, kicks, bass drum, kick drum, bassdrum, kickdrum, bass drums, kick pattern",
    "snare": "snare, snares, snare drum, snare hits, snare hit, snare pattern, snaredrum, snare sound",
    "hat": "hat, hats, hi hat, hi hats, hihat, hihats, high hat, high hats, highhat, hat pattern, highhats",
    "ride": "ride, rides, ride cymbal, ride bell, ride pattern",
    "toms": "toms, tom, floor tom, tom toms, floor toms, rack tom, tom tom, tomtoms",
    "cymbals": "cymbals, cymbal, crash, crashes, splash, china, crash cymbal, crash cymbals, splashes",
    "percussion": "percussion, perc, shaker, shakers, tambourine, cowbell, congas, bongos, bongo, conga, clap, claps, handclaps, hand claps, hand drums, "
    "maracas, triangle, clave, claves, tamb, tambo, guiro, cajon, woodblock, timbales, cabasa, percussions, percussionist, agogo",
    "harmony": "harmony, harmonies, chords, chord, keys, keyboard, keyboards, piano, pianist, rhodes, ep, pad, pads, organ, voicing, voicings, guitar, guitars, "
    "strings, wurli, wurlitzer, chord progression, progression, chordal part, electric piano, e piano, keyboard player, keys player, harmonic stuff, hammond, "
    "comp, comping, chord part, epiano, guitarist, synth, synths, synth pad, accompaniment, harmony part, the changes, pianos, clav, clavinet, key part, harmonic part",
    "line": "line, lead, melody, counter line, vibes, vibraphone, top line, melodies, lines, horn, horns, sax, trumpet, lead line, melody line, counterline, flute, violin, soloist, "
    "vibe player, melodic line, melody part, lead part, lead synth, vibraphonist, saxophone, vibraphone line, topline, lick, licks, horn line, cello, lead voice, upper voice",
    "bass": "bass, bassline, bass line, bass part, bass guitar, bass player, bass lines, basslines, my bass, double bass, upright",
    "band": "band, everything, everybody, everyone, all of it, all of you, mix, you guys, you all, yall, whole band, the lot, whole mix, the rest, everyones, whole thing, "
    "all the parts, all parts, everyone else, rhythm section, everybody else, overall, ensemble, group, whole lot, all together, the other parts, everything else, whole group, "
    "overall sound, whole sound, master, overall volume, backing, all instruments, the others, whole ensemble, arrangement level, entire band, the room",
    "form": "form, structure, arrangement, song, section, tune, piece, song form, phrase, loop, riff section",
    "feel": "feel, groove, pocket, time feel, grooves, rhythm, rhythmic feel",
}  # fmt: skip

SIGNS = {
    "more": "too little, too few, more, extra, raise, increase, enhance, heighten, strengthen, increased, additional, lift the, raising, intensify, further, plus, increasing, moar, mehr",
    "less": "less, reduce, decrease, lessen, minimise, minimize, diminish, reduced, reducing, smaller amount of, not as many, decreasing, drop the amount of, cut down on, cut back on, tone down the, back off on, lighten up on, ease off on, take some, hold back on, scale back on",
    "fewer": "fewer, not so many, fewer of",
    "too": "too, overly, excessively, awfully, unbearably, overmuch, ridiculously, annoyingly, painfully, exaggerated, over",
    "too_much": "too_much, excessive, an awful lot of, a bit much, excess, bit much",
    "too_many": "too_many",
    "so_much": "so_much, that_much, as much, such a lot of",
    "so_many": "so_many, as many, all those, all these, all the",
    "enough": "enough, sufficient, sufficiently",
    "so": "so, as, that, quite, this, such, particularly, exactly",
}
PARTICLES = {
    "up": "up, upwards, upward",
    "down": "down, downwards, downward",
    "back": "back, backwards, backward",
    "out": "out",
    "in": "in",
    "forward": "forward, forwards, to the front",
    "off": "off",
    "away": "away",
    "on": "on",
}
WORDS = {
    "neg": "not, no, never, without, nor, neither, avoid, none of, do not want, instead of, rather than, nobody, none, nothing, refrain from, minus, no more, not any, zero, any less, sans, dont, nope on, no one, cannot have",
    "off": "has got to go, has to go, must go, needs to go, should go, have to go, undo the, stop, kill, lose, drop, ditch, remove, cut, mute, quit, get rid of, take out, leave out, kick out, silence, delete, take away, no longer, enough with, enough of, forget the, forget, skip, omit, scrap, cut out, "
    "lay off, lay off the, pull out, eliminate, abandon, bin, chuck, bin the, drop out, turn off, switch off, shut off, leave off, dump, axe, nix, wipe out, wipe, stopping, dropping, muting, losing, cutting, clear out, take off, strip out, disable, enough, chop out, shut down",
    "on": "add, bring in, use, play, give, put, try, introduce, drop to, dropped to, dropping to, unmute, hit, strike, throw in, start, bring back, turn on, switch on, want, need, have, get, insert, include, include some, let us hear, do, go, hear, drop in, stick in, throw, "
    "toss in, needs, enable, sneak in, layer in, get me, chuck in, kick in, adding, let me have, switch to, change to, move to, make it, some, give me, i want, i need, could use, can use, start with, come in, let us have, sprinkle, bring, work in, slip in, requires, shall have, miss, missing, i miss",
    "keep": "keep, stay in, staying in, stays in, leave, hold, maintain, stay with, stick with, retain, preserve, keep on, hang on to, hang onto, save, hold on to, remember, keeping, holding, hold onto, lock, freeze, stay, stays, remain, leaving, keeps",
    "touch": "change, touch, mess with, alter, lose, modify, affect, changing, touching, losing, altering, move, adjust, fiddle with, mess up, modifying, affecting, tinker with, messing with, messing up",
    "same": "the same, unchanged, as is, as it is, as they are, where it is, where they are, exactly as is, right where it is, like that, like this, as it was, the way it is, how it is, intact, untouched, same, the way they are, how they are, just like that, right there, exactly as it is",
    "praise": "strong idea, strong hook, strong riff, good idea, nice idea, great idea, good start, nice start, i like, i love, love, loved, loving, great, nice, killer, awesome, perfect, dope, sick, amazing, beautiful, lovely, wicked, brilliant work, i dig, cool, digging, fantastic, super nice, gorgeous, excellent, really like, really love, liking, "
    "good, so good, rules, rocks, slaps, wonderful, fire bro, a keeper, keeper, lush, bangs, bomb, incredible, tasty, sweet one, spot on, i enjoy, enjoy, enjoying, liked, fan of, mega, banging one, delicious, great job, works, worked, works for me, working, superb, "
    "yes to, favorite, favourite, my favourite, the best, best, well done, good job, digs, enjoyed, adore, magic, we love, we like, we liked, you nailed, nailed, sounded great, so nice, love love, groovy one, that was it, very nice, neat, vibing with, way to go, killing it, is killing, kills it, smashing it, on point, happy with, proud of, impressed by, crushed, crushed it",
    "blame": "i hate, hate, hated, i do not like, do not like, not like, trash, garbage, doing my head in, driving me mad, driving me crazy, driving me nuts, annoying, annoys, annoy, annoy me, annoys me, awful, terrible, sucks, horrible, can not stand, could not stand, sick of, tired of, not a fan of, is wrong, do not love, horrid, not into, not feeling, disgusting, dislike, despise, crap, rubbish, bugs me, "
    "gets on my nerves, not working, does not work, did not like, hating, loathe, detest, bothers me, distracting, irritating, pants, bugging me, is bothering, fed up with, gross, never liked, not loving, not my thing, stinks, not digging, do not dig, not convinced by, not sold on, do not care for, is bad, bad, dreadful, over it, drives me crazy, drives me nuts, not liking",
    "is": "is, are, was, were, sounds, sound, feels, feel like, seems, sounded, sounding, been, being, am, got, gets, getting, has, have been, felt, feeling, seem, looks",
    "must": "should, must, needs to, need to, has to, have to, could, might, can, let, make, would like, want to be, i want, supposed to, ought to, would be, shall, be, wants to be, wanna, want, wants, need, let us, making, keep, play, has got to, get, go, do, please, shall we, give, need it, have got to, would love, it to be, you to be, will",
    "only": "only, just, solo, nothing but, isolate, soloed, only the, just the, i only want, solely, alone with, alone, by itself, by themselves, on their own, on its own",
    "except": "except, except for, apart from, other than, besides, all but, everything but, everyone but, everybody but, aside from, excluding, save for, bar the, with the exception of, anything but",
    "instead": "instead of, rather than, in place of, in lieu of, replacing",
    "again": "again, once more, one more time, another time, another go",
    "recall": "go back to, back to, return to, like in, as in, recall, revert to, restore, like on, same as, as on, same as in, load, play back, hear, call up, bring back, let us hear, go to, use, more like, similar to, play, like, as, rewind to, jump back to, pull up, switch to, put back, sounded better, was better, was nicer, was best, i preferred, preferred, prefer",
    "compare": "compare, a b, ab, side by side, versus, vs, difference between, against",
    "name": "call, name, label",
    "it": "it, that, this, them, those, these, thing, stuff, that thing, part, parts, bit in, that bit, one, that part, things, what you played, what you did, what you just did, what you just played, idea, that idea, the idea, pattern, figure, that stuff, that pattern, bits",
    "hedge": "take a break, have a break, need a break, not sure, do not know, no idea, not certain, not so sure, can not decide, not decided, wonder, do not care, do not mind, does not matter, never mind, no worries, no problem, no rush, no hurry, no pressure, not bad, not too bad, start over, from the top, if you can, if possible",
    "vague": "an extra beat, extra beat, add an extra beat, on the repeat, on repeat, drop a beat, add a beat, a beat, lose a beat, cut a beat, direction, this direction, direction this, vibe, the vibe, where this is going, way, the way, approach, atmosphere, mood, so far, how it",
}
FILLER_WORDS = """a an the to of and with for some please bit my our your his her their him me you we i us he she they it its so very really just also too well now then
ok okay yeah yes yo hey hi hello man dude mate bro buddy guys guy folks like as at by from about into over maybe perhaps might may would could should
can will shall must still even actually basically honestly literally totally quite rather pretty fairly there here what how when where who which if or
than but be been is are was were am do does did done doing have has had having get gets got getting go goes going gone come comes came coming make
makes made making sound sounds sounding sounded feel feels feeling felt let lets think guess suppose know see say said saying tell told mean means
meant try trying tried want wants wanted wanting need needs needed needing like likes give gives gave giving take takes took taking put puts putting
set sets keep keeps kept bring brings brought turn turns turned pull pulls push play plays playing played hear hears heard hearing listen start starts
started stop stops next again more less most least much many few little lot lots all any every each both other another same different new old first
last one ones two thing things stuff something anything nothing way ways time times moment bar bars beat beats note notes part parts side sides left
right top end ends middle whole full half around round through during while until since because though although however anyway thanks thank thx cheers
sir baby sweet better best worse worst fine sure not no nor never always sometimes often usually only alone together apart fucking fuck fuckin bloody
damn damned goddamn freaking frickin flipping shit shitty effing hella god oh ah uh um er erm hmm wow ugh nah nope yep yup alright gonna wanna kinda
sorta somehow towards toward onto upon within between among across against under below above beyond after later soon already yet ever once twice kind
sort type place case point fact reason hand room ear ears eye person people player players musician musicians someone anyone anybody somebody happy
glad sorry wish hope possible possibly probably definitely absolutely exactly especially mostly mainly generally particularly almost nearly hardly
instead own that those these this them thats im id ill ive dont listen look wait check guys cats lads boys everyone bandmate friend sticks stick
straightforwardly little longer anymore any more altogether everytime wonder wondering wondered trouble mind idea chance able appreciate love loved
lovely use using used add adds adding change changes changing move moves moving work works working show leave leaves leaving help follow stay stays
finish begin end ending happen happens happening hit hits hitting strike strikes cover hold holds run runs throw switch going piece part tiny small
quick quickly slowly gently lightly nicely properly correctly own song track tune section"""
FILLERS = frozenset(FILLER_WORDS.split())
QUESTION_WORDS = "am are could-it did do does had has have how hows is should was were what whats when where wheres which who whos whose why"
QUESTION_STARTS = frozenset(QUESTION_WORDS.split())
ORDER_STARTS = (
    "can you", "could you", "would you", "will you", "can we", "could we", "what if", "what would happen if", "what happens if",  "how about", "what about", "why do not", "why not", "shall we", "do you mind", "would you mind", "let us",
    "do you think you could", "do you think we could", "can i", "could i", "may i", "may we", "might we", "any chance", "is there any chance", "is it possible", "would it be possible", "can the", "could the", "can everyone", "can everybody", "could everyone", "could everybody", "could it",
    "can it", "will the", "would the", "may the", "do not", "do you want to try", "are you able to", "can there", "could there", "could that", "can that", "would it hurt", "is it ok if", "is it okay if", "mind if", "do me a favor and", "do me a favour and", "what happens if", "how would it sound if", "do it", "do that", "do a", "do the", "do some", "do more", "do less", "do this",
    "have the", "have everyone", "have everybody", "am i allowed", "can my", "could my", "can all", "could all", "could someone", "can someone", "do one", "do half", "do another", "can this", "could this", "couldn't we", "could not we", "can not you", "can not we", "could not you", "do us", "do something", "do anything", "should we try", "should we do", "have you", "do double", "do an", "could things", "could u", "how does", "does it make sense to", "is there a way to", "is there any way", "is it possible to", "what do you think about", "what do you say we", "how do you feel about",
)  # fmt: skip
ASKS = (
    "can you tell", "could you tell", "tell me what", "tell me which", "tell me how", "can you say", "can you hear", "could you explain", "explain", "tell me why", "tell me where", "do you know",
    "would you say", "would you call", "can you remember", "what do you", "i wonder", "can i ask",
    "how does it work", "have you changed", "have you got", "have you ever", "have you played", "have you heard", "have you kept", "what about you", "how about you", "could you say", "can you list", "could you list", "show me what", "remind me", "let me know", "do you like", "do you think the", "do you think it", "do you hear", "do you remember", "why do not you like", "can you see", "how does the", "what happens", "how does it", "how does that", "how do",
)  # fmt: skip
INSULTS = "idiot, stupid, moron, dumb, asshole, bastard, you suck, shut your, useless, garbage, trash, bitch, piece of shit, fuck you, fuck off, loser, clown, pathetic, go to hell, screw you, imbecile, wanker, cretin, amateur, incompetent, tosser, jerk"
INJECTION = (
    r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instruction|prompt|rule|guideline|direction|order)s?\b|system prompt|\brm -|\bsudo\b|drop table|<script|https?:|jailbreak|\bpasswords?\b|\bapi key|"
    r"\bdatabase\b|\b(delete|erase|wipe|destroy|format|remove|drop)\b.{0,30}\b(takes|sessions?|files?|folder|disk|drive|memory|recordings?|everything you know|data|history|database)\b|\byou are now\b|\bpretend\b|\bact as\b|[{}`$\\]|; *--|"
    r"\bexecute\b|\bos\.system\b|\bdeveloper mode\b|\bnew instructions?\b|\bprompt\b|\bshell\b|\bjson\b|\bselect \*|\beval\b|</|\boutput\b.{0,20}\bconfidence|/etc/|\bsystem *:|\bassistant *:|\bcurl\b"
)
FOREIGN = {
    "Deutsch": "der die das und nicht ist lauter leiser bitte schneller langsamer mach mehr weniger ich du ein eine zu spiel schlagzeug takt den dem im mit etwas kannst noch",
    "español": "el los las y más menos por favor está muy batería toca rápido lento fuerte que un una con sin pero yo bajo quiero puedes bajar subir compás suena caja mas",
    "français": "le les et plus moins est trop pas joue batterie vite lent fort une avec sans mais je tu s'il vous plaît monte baisse mesure caisse claire dans du des peux",
    "italiano": "il gli di più meno batteria è troppo suona veloce lento forte una con senza ma io per favore puoi non che piano della il volume rullante abbassa alza",
    "português": "o os e mais menos por favor está muito bateria toca rápido lento forte um uma com sem mas eu você não caixa compasso pode",
    "Nederlands": "de het en meer minder niet is te hard zacht alsjeblieft speel sneller langzamer een met maar ik jij drumstel maat wat zachter",
    "polski": "i nie jest bardziej mniej głośniej ciszej proszę szybciej wolniej graj perkusja za zagraj werbel",
    "svenska": "och inte är mer mindre högre lägre snälla snabbare långsammare spela trummor för tack lite",
}
