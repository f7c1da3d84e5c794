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
