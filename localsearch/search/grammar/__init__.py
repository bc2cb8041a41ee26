"""The one grammar of queries: text -> term. The command line, the page and `parse` share it.

    query  = all { "or" all }
    all    = one { ["and"] one }
    one    = ( "-" | no ) one | "(" query ")" | sum | leaf
    no     = [ "but" | "with" ] ( "not" | "no" | "without" ) [ "a" | "an" | "any" | "the" ]
    sum    = "sum(" [ "-" ] part { ( "+" | "-" ) part } ")" [ ">=" number ]
    part   = [ number "*" ] ( field ":" item { "," item } | string )     of visual leaves
    leaf   = field ":" item { "," item } [ ">=" number ]
           | word { word } [ ">=" number ]            as many words as name one concept; a run
                                                      of which some name none: free text
           | string [ ">=" number ]                   a concept's name, else free text
    item   = value [ "=" value ]
    value  = string | bare

A string stands in double quotes, a quote inside is doubled. `and`, `or`, `not`, `no` and `without`
are the only words with a meaning of their own; within a longer name ("mortar and pestle") they have
none, nor has `and` within free text. What is denied is taken away from what is found: it is a
concept, or its plural, never free text. What a field means stands in its clause; this room knows
only how leaves are combined. It never searches. Invariant: every error is a QueryError whose
`column` (from 1) points at what could not be read and whose message says what was expected.
"""

from __future__ import annotations

from localsearch.errors import InputError
from localsearch.search.grammar.cursor import Cursor, Names, Words
from localsearch.search.grammar.trees import whole
from localsearch.search.terms import Term

__all__ = ["Names", "Words", "parse"]


def parse(text: str, vocabulary: Names | None = None, words: Words | None = None) -> Term:
    """The term that `text` means.

    With a vocabulary (of a pack), bare words are joined to the longest run that names a concept,
    unknown ones raise QueryUnknownConcept with the nearest names, and a text in quotes that names
    no concept is free text. With the `words` of its text part too, a run of bare words of which
    some name no concept is free text as a whole, if any of these is known.
    Without a vocabulary, each bare word is taken for the name of a concept, to be looked up by the
    search, and each text in quotes for free text; `Library.search` has that of its pack.
    Raises QueryError with the column, InputError if `text` is no `str`.
    """
    if not isinstance(text, str):
        raise InputError(f"a query is a text or a term, not {type(text).__name__}")
    return whole(Cursor(text, vocabulary, words))
