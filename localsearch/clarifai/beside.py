"""What is beside the search: feedback, tokens, workflows. All of it is answered, none kept."""

from __future__ import annotations

from typing import Final

from localsearch.clarifai.answer import NO_WORKFLOW, Answer, Fault, ok
from localsearch.clarifai.room import Request

_TOKEN_SECONDS: Final = 176400

TOKEN: Final = "local"
"""What a client that asks for a token gets where no key is asked for; a server with keys answers
this call itself."""


def feedback(request: Request) -> Answer:
    """POST .../feedback: thanks."""
    return ok()


def token(request: Request) -> Answer:
    """POST /token: clients of the first year of v2 trade id and secret for a token."""
    return ok(
        access_token=TOKEN, expires_in=_TOKEN_SECONDS, scope="api_access", token_type="Bearer"
    )


def no_workflows(request: Request) -> Answer:
    """GET /workflows: there are none."""
    return ok(workflows=[])


def no_workflow(request: Request) -> Answer:
    """Any one workflow."""
    raise Fault(NO_WORKFLOW, f"there is no workflow {request.parts[0][:80]} on this server")
