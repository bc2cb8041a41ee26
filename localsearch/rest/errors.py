"""The exceptions of the old client, by their old names, as a branch of the house's tree.

    LocalsearchError
    +- InputError
    |  +- UserError        an argument that cannot be used; nothing was sent
    +- ApiError            an answer that is no success, or none at all
    +- ApiClientError
    +- TokenError

So `except ApiError` works as it did, and so does `except localsearch.LocalsearchError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localsearch.errors import InputError, LocalsearchError

if TYPE_CHECKING:
    from localsearch.rest.reply import Reply
    from localsearch.rest.wire import Json

UNKNOWN = "N/A"
"""What stands for a code where there was no answer to take it from."""


class UserError(InputError):
    """An argument that cannot be used; nothing was sent."""


class ApiClientError(LocalsearchError):
    """A fault of the client itself; kept so that old imports work."""

    code = "api-client"


class TokenError(LocalsearchError):
    """A token that cannot be had; kept so that old imports work."""

    code = "token"


class ApiError(LocalsearchError):
    """An answer that is no success, or none at all (`response` is None then).

    `error_code`, `error_desc` and `error_details` are those of the answer's status; where one
    item of several explains it better, its status is told in the text too.
    """

    code = "api"

    def __init__(
        self,
        resource: str,
        params: Json | None = None,
        method: str = "",
        response: Reply | None = None,
        api: Any = None,
        *,
        hint: str = "",
    ) -> None:
        self.resource = resource
        self.params = params
        self.method = method
        self.response = response
        self.api = api
        status = response.status if response is not None else {}
        absent = UNKNOWN if response is None else None
        self.error_code: Any = status.get("code", absent)
        self.error_desc: Any = status.get("description", absent)
        self.error_details: Any = status.get("details", absent)
        super().__init__(self._told(), hint=hint)

    def _told(self) -> str:
        http = UNKNOWN if self.response is None else self.response.status_code
        told = (
            f"{self.method} {self.resource} FAILED. status_code: {http}, "
            f"error_code: {self.error_code}, error_description: {self.error_desc}, "
            f"error_details: {self.error_details}"
        )
        causes = () if self.response is None else self.response.causes()
        return "\n".join([told, *causes])

    def __reduce__(self) -> tuple[Any, ...]:
        made, args, state = super().__reduce__()
        return made, args, {**state, "api": None}  # a client holds an open library
