"""Holds 28 manners of speaking and typing: what each speaker adds before and after, leaves out, abbreviates and misspells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from agent.sentences.clauses import split

SHORT = {"you": "u", "are": "r", "please": "pls", "too": "2", "for": "4", "your": "ur", "because": "cuz", "with": "w", "really": "rly", "to": "2", "the": "da", "thanks": "thx", "before": "b4", "going to": "gonna", "want to": "wanna", "give me": "gimme", "what": "wat", "something": "smth", "though": "tho", "through": "thru", "and": "n", "bit": "lil bit", "little": "lil"}  # fmt: skip
MISHEARD = {"bass": "base", "chords": "cords", "chord": "cord", "cymbals": "symbols", "cymbal": "symbol", "too": "to", "four": "for", "here": "hear", "chorus": "course", "fill": "feel", "fills": "feels", "hats": "hearts",
            "hat": "had", "two": "to", "eight": "ate", "undo": "and do", "kick": "kik", "ride": "right", "vibes": "wives", "mute": "moot", "line": "lying", "toms": "tombs", "keys": "kees", "key": "he", "beat": "beet", "bar": "bah",
            "verse": "worse", "bridge": "bridge", "reverb": "re verb", "louder": "ladder", "quieter": "quite er", "softer": "soft her", "bossa": "boss a", "drier": "dryer", "straight": "strait", "break": "brake", "piano": "peano", "snare": "snair",
            "hi-hat": "high hat", "hihat": "high hat", "swing": "swing", "dry": "dried", "comp": "comb", "tambourine": "tambarine", "crescendo": "crash end oh", "dissonant": "distant", "groove": "grove", "trades": "trade's"}  # fmt: skip
FOREIGN = (("louder", "more loud"), ("quieter", "more quiet"), ("softer", "more soft"), ("faster", "more fast"), ("slower", "more slow"), ("higher", "more high"), ("lower", "more low"), ("busier", "more busy"), ("darker", "more dark"),
           ("brighter", "more bright"), ("too ", "too much "), ("i can't", "i not can"), ("the ", ""), ("don't", "not"), ("i'd like", "i would like that"), ("a bit", "little bit"), ("is too", "it is too"), ("chorus", "refrain"))  # fmt: skip
KEYBOARD = {"a": "sqz", "b": "vn", "c": "xv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok", "j": "hk", "k": "jl", "l": "kp", "m": "n", "n": "bm", "o": "ipl", "p": "ol", "q": "wa", "r": "etf", "s": "adw", "t": "ryg", "u": "yij", "v": "cb", "w": "qes", "x": "zc", "y": "tu", "z": "xa"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speaker:
    """A manner. opens, closes: what may stand before and after; tics: how often; case: lower, plain, upper or mixed;
    dots: punctuation kept, none or many; typos: share of characters; short, misheard, foreign: shares of words."""

    name: str
    opens: str = ""
    closes: str = ""
    tics: float = 0.25
    case: str = "plain"
    dots: str = "plain"
    typos: float = 0.0
    short: float = 0.0
    misheard: float = 0.0
    foreign: float = 0.0


SPEAKERS = (
    Speaker("metal_teen", "yo, bro, ok, dude, mate", "lol, bro, man, mate, pls", 0.3, "lower", "none", 0.01, 0.1),
    Speaker("jazz_teacher", "Gentlemen, All right, Now, Very good", "please, if you would, if you please, thank you", 0.3),
    Speaker("church_player", "Alright now, Okay y'all, Listen, Now", "y'all, brother, sister, please sir, amen", 0.25),
    Speaker("producer", "", "", 0.0, "mixed"),
    Speaker("nonnative_it", "please, ok, sorry", "please, thank you, ok?", 0.3, "lower", "plain", 0.01, 0, 0, 0.35),
    Speaker("shy", "sorry, um, uh, i think, maybe, hi", "if that's ok, sorry, if you don't mind, maybe, if possible, please?", 0.6, "lower"),
    Speaker("rude", "oi, for god's sake, bloody hell, jesus, come on", "you muppets, for once, damn it, will you, already", 0.4),
    Speaker("drunk", "heyyy, man, ok ok, listen, dude", "man, hahaha, yeah, i love you guys, ok", 0.4, "lower", "many", 0.035),
    Speaker("terse", "", "", 0.0),
    Speaker("rambler", "So you know, Okay so here's the thing, I was thinking, You know what, Right so, Look, What I'm hearing is", "you know, if that makes sense, I guess, or something like that, you know what I mean, and that's it", 0.6, "plain", "many"),
    Speaker("funk_player", "yo, hey, ok, man, alright now", "baby, man, y'all, on the one", 0.3, "lower"),
    Speaker("prog_nerd", "OK, Right, So", "", 0.15),
    Speaker("folk_woman", "Ah, Well, Now, Ah sure, Right so", "love, would you, if ye can, like, so, thanks a million", 0.3),
    Speaker("speech", "", "", 0.0, "lower", "none", 0.0, 0.0, 0.12),
    Speaker("texter", "omg, ok, hey, lol, ngl, tbh", "pls, x, thx, lol, ty, haha", 0.4, "lower", "none", 0.015, 0.3),
    Speaker("big_band", "People, All right, Okay band, Listen up", "", 0.2),
    Speaker("bedroom", "yo, ok, so, lowkey", "lol, i think, tbh, pls", 0.2, "lower", "none", 0.005, 0.05),
    Speaker("reggae_man", "Easy now, Bredda, Hear me", "seen?, man, yeah man, my yute", 0.3),
    Speaker("worship_leader", "Hey team, Righto, Ok team, Legend", "mate, cheers, legend, hey, team", 0.3),
    Speaker("arranger", "", "please", 0.15),
    Speaker("bloke", "right, ey up, now then, lads, oi", "lads, mate, cheers, ta, eh", 0.35, "lower"),
    Speaker("student", "Excuse me, Please, I believe", "please, if possible, thank you", 0.3),
    Speaker("kid", "hey, ok, wow, um", "!!!, please please, pleeease, yay", 0.35, "lower", "many", 0.02),
    Speaker("audiophile", "Right, Och, Hmm", "aye?, ta, thanks", 0.2),
    Speaker("metronome", "Okay, Next, For practice", "thanks, please", 0.2),
    Speaker("fat_thumbs", "hey, ok, so", "thanks, pls, ok", 0.15, "lower", "none", 0.06, 0.1),
    Speaker("shouter", "HEY, COME ON, OK, GUYS", "NOW, GUYS, COME ON", 0.3, "upper", "many", 0.005),
    Speaker("dictation", "ok, so, um, uh, and", "please, thanks", 0.25, "lower", "none", 0.0, 0.0, 0.05),
)  # fmt: skip


def styled(text: str, speaker: Speaker, rng: Random) -> str:
    """Return a sentence as this speaker writes it."""
    if speaker.foreign and rng.random() < 0.8:
        for good, bad in FOREIGN:
            if rng.random() < speaker.foreign:
                text = text.replace(good, bad)
    if speaker.opens and rng.random() < speaker.tics:
        text = f"{rng.choice(split(speaker.opens))}{rng.choice((', ', ' ', ', '))}{text}"
    if speaker.closes and rng.random() < speaker.tics:
        text = f"{text}{rng.choice((', ', ' '))}{rng.choice(split(speaker.closes))}"
    text = re.sub(r"\b\w[\w']*\b", lambda m: _word(m[0], speaker, rng), text)
    if speaker.dots == "none":
        text = re.sub(r"(?<!\d)[.,;:!?](?!\d)", "", text) if rng.random() < 0.75 else text
    else:
        end = rng.choices(
            (
                ".",
                "",
                "!",
                "?"
                if re.match(r"(can|could|would|is|are|what|how|which|did|do|why|where|may|shall)\b", text.lower())
                else ".",
                "...",
            ),
            (5, 4, 0.6, 2, 0.3),
        )[0]
        text += end if text[-1:] not in ".!?" else ""
        if speaker.dots == "many" and rng.random() < 0.3:
            text = text.rstrip(".!?") + rng.choice(("!!", "...", "!!!", "??", "!"))
    if speaker.case == "lower":
        text = lowered(text)
    elif speaker.case == "upper" and rng.random() < 0.7:
        text = text.upper()
    else:
        text = re.sub(r"\bi\b(?=[ '])", "I", text)
        text = (
            re.sub(r"(^|[.!?] )([a-z])", lambda m: m[1] + m[2].upper(), text)
            if speaker.case == "plain" or rng.random() < 0.7
            else text
        )
    if "'" in text and speaker.case == "lower" and rng.random() < 0.4:
        text = text.replace("'", "")
    return misspelt(text, speaker.typos * rng.choice((0, 0.5, 1, 2)), rng) if speaker.typos else text


def lowered(text: str) -> str:
    """Lower case, except chords, which are told from words by their capital."""
    return re.sub(r"\b(?![A-G](?:#|b|m|maj|sus|dim|aug|\d)*\b)\w+", lambda m: m[0].lower(), text)


def _word(word: str, speaker: Speaker, rng: Random) -> str:
    low = word.lower()
    if low in SHORT and rng.random() < speaker.short:
        return SHORT[low]
    if low in MISHEARD and rng.random() < speaker.misheard:
        return MISHEARD[low]
    return word


def misspelt(text: str, share: float, rng: Random) -> str:
    """Return a text with this share of its letters swapped, dropped, doubled or replaced by a neighbour."""
    out, letters = [], list(text)
    at = 0
    while at < len(letters):
        c = letters[at]
        if not c.isalpha() or rng.random() >= share:
            out.append(c)
            at += 1
            continue
        kind = rng.randrange(4)
        if kind == 0 and at + 1 < len(letters) and letters[at + 1].isalpha():
            out += [letters[at + 1], c]
            at += 2
            continue
        if kind == 1:
            pass
        elif kind == 2:
            out += [c, c]
        else:
            out.append(rng.choice(KEYBOARD.get(c.lower(), c)))
        at += 1
    return "".join(out)
