"""The phrases of the table: those that ship already split are the table's own."""

from agent.language import lexicon
from agent.language.normalise import words


def test_the_phrases_that_ship_are_split_as_the_rules_split_them() -> None:
    phrases = {phrase for phrase, _ in lexicon.entries()}
    assert lexicon.stored() == {phrase: words(phrase) for phrase in phrases}
