"""Patterns of sentences that are no directions: speak up, yes, no, the first, the second, A against B."""

from __future__ import annotations

import re

SPEAK = re.compile(
    r"\bany (other |more )?ideas\b|\bwhat do you think\b|\bsurprise me\b|\bsuggest something\b|\bgot an idea\b"
    r"|^what else\b|\bpropose something\b|\byour idea\b|\bspeak up\b|\bwhat would you do\b"
)
MORE_LIKE_IT = re.compile(r"\bmore (like|of) (that|this|those|them)\b|\banother (one )?like (that|this|it)\b|^another$")
NAMED = re.compile(r"(?:name|call) (?:it|this|that|this take|that take|the take) ['\"]?([^'\"]+)['\"]?")
COMPARE = re.compile(r"a ?/ ?b|a b|ab|compare( them)?")
YES_TO_IT = re.compile(
    r"(oh |ok |okay )?"
    r"(yes|yeah|yep|yup|sure|ok|okay|do it|let's do (it|that)|keep (it|that)|go on|why not|good|nice|please do|deal)"
    r"( please| then| let's| do it| sure)*"
)
NO_TO_IT = re.compile(
    r"(no|nope|nah|no thanks|no thank you|not that(?: one)?|not this one|rather not|drop it|lose it|forget it|leave it"
    r"|don't|without (it|that))"
    r"( please| then| thanks| not that)*"
)

BEAT = r"(?:groove|beat|drum ?beat|drum part|drum groove|drum pattern)s?"
THE_BEAT = rf"(?:the |that |this |your |those |these ){BEAT}"
DRUMMING = rf"(?:{THE_BEAT}|(?:the |your |those )?(?:drums|drumming))"
MUCH = r"(?: a lot| very much| at all| here| now| man)*"
LIKED_BEAT = re.compile(
    rf"(?:yes |yeah |oh |ok |wow |man )*(?:i |we )?(?:(?:really|do|just|so) )*(?:like|love|dig|enjoy) {DRUMMING}{MUCH}"
    rf"|{DRUMMING} (?:is|was|are|sounds?|feels?) (?:(?:so|really|very|pretty) )*(?:good|great|nice|cool|lovely|perfect)"
    rf"|(?:what a )?(?:nice|great|good|cool|lovely|sweet) {BEAT}|(?:keep|stay with|stick with) {THE_BEAT}"
    rf"|(?:play )?more {BEAT} like (?:that|this)( one)?"
)
DECLINED_BEAT = re.compile(
    rf"(?:no )?(?:not|never|lose|drop|no more of|anything but) {THE_BEAT}(?: again| please)*"
    rf"|(?:i |we )?(?:(?:do not|don't|dont|never) (?:really )?(?:like|love|dig|enjoy)|hate|dislike) {DRUMMING}{MUCH}"
    rf"|(?:(?:play|give me|try|let's try|let's have|i want|can we have|change to) )?"
    rf"(?:another|a different|some other|a new|the other) {BEAT}(?: please)?|change {THE_BEAT}"
    rf"|{DRUMMING} (?:is|are|sounds?|feels?) (?:(?:so|really|very|pretty|a bit|too) )*(?:bad|boring|dull|wrong|awful)"
)

OTHER_WAY = re.compile(r"(?:\w+ ){0,5}?(?:the )?(?:other (?:way|direction)(?: a?round)?|opposite|reverse)(?: \w+)?")

CHOICES = (  # of two readings that were asked about: which of them an answer takes
    (
        (0,),
        re.compile(r"(?:the |yes |yeah )*(?:first|former)(?: one| option)?(?: please)?|(?:option|number) one|one|1"),
    ),
    (
        (1,),
        re.compile(
            r"(?:the |yes |yeah )*(?:second|latter|other)(?: one| option)?(?: please)?|(?:option|number) two|two|2"
        ),
    ),
    ((0, 1), re.compile(r"(?:yes |do )*both(?: of them)?(?: please)?")),
    (
        (),
        re.compile(r"neither(?: of (?:them|those))?|none(?: of (?:them|those))?|no(?:pe|ne)?|nah|no thanks|never mind"),
    ),
)


def groove_verdict(sentence: str) -> str | None:
    """Return liked or disliked where a whole sentence judges the drummer's groove; None where it is anything else."""
    text = " ".join(sentence.lower().replace(",", "").split()).strip(" .!?")
    if LIKED_BEAT.fullmatch(text):
        return "liked"
    return "disliked" if DECLINED_BEAT.fullmatch(text) else None
