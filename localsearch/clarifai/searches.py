"""POST /searches: the wire's query run as the library's, and hits in the wire's shape.

Scores: only filters 1; one concept its probability; several the product; a picture its mapped
likeness; with concepts the product. Ties stand in the order of adding, so pages never overlap.
"""

from __future__ import annotations

import localsearch as ls
from localsearch.clarifai.answer import (
    BAD_SEARCH,
    NO_INPUT,
    NOT_INDEXED,
    UNDECODABLE,
    Answer,
    Fault,
    Json,
    ok,
)
from localsearch.clarifai.clauses import tree_of
from localsearch.clarifai.reading import number_of
from localsearch.clarifai.room import Request
from localsearch.clarifai.shapes import CODE_OF_STATE, inputs_of, new_id
from localsearch.log import logger


def search(request: Request) -> Answer:
    """One page of hits."""
    query = request.get("query")
    tree = tree_of(request, query)
    least = number_of(query.get("min_value"), "query.min_value", BAD_SEARCH) or 0.0
    if not 0 <= least <= 1:
        raise Fault(BAD_SEARCH, "query.min_value is from 0 to 1")
    return ok(id=new_id(), hits=_hits(request, tree, least))


def _hits(request: Request, tree: ls.Term, least: float) -> list[Json]:
    paging, library = request.paging, request.library
    try:
        found = library.search_inputs(
            tree, limit=paging.per_page, page=paging.page, min_score=least
        )
    except ls.PictureError as error:
        about_input = "the picture of" in error.reason
        code = NOT_INDEXED if about_input else CODE_OF_STATE.get(error.state, UNDECODABLE)
        raise Fault(code, error.reason) from error
    except ls.LibraryMissing as error:
        raise Fault(NO_INPUT, error.message) from error
    except (ls.QueryUnknownConcept, ls.QueryNoText) as error:
        logger().warning("no hits: %s (%s)", error.message, error.hint)
        return []
    except (ls.QueryError, ls.InputError) as error:
        raise Fault(BAD_SEARCH, str(error)) from error
    shown = inputs_of(request, [one for _, one in found])
    return [
        {"score": round(score, 7), "input": one}
        for (score, _), one in zip(found, shown, strict=True)
    ]
