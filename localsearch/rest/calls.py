"""Calls of the wire: verb, resource and parameters in, the answer's object or ApiError out."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

from localsearch.rest.errors import ApiError, UserError
from localsearch.rest.transport import Transport
from localsearch.rest.wire import Json

_LOG = logging.getLogger("localsearch.rest")


class Calls:
    """What every call goes through. The old client's low-level verbs."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def get(self, resource: str, params: Json | None = None, version: str = "v2") -> Json:
        """GET a resource, as "inputs/my-cat"; `params` go into the query string."""
        return self._requester(resource, params, "GET", version)

    def post(self, resource: str, params: Json | None = None, version: str = "v2") -> Json:
        """POST an object."""
        return self._requester(resource, params, "POST", version)

    def patch(self, resource: str, params: Json | None = None, version: str = "v2") -> Json:
        """PATCH with an object."""
        return self._requester(resource, params, "PATCH", version)

    def delete(self, resource: str, params: Json | None = None, version: str = "v2") -> Json:
        """DELETE a resource, or those that `params` names."""
        return self._requester(resource, params, "DELETE", version)

    def _requester(
        self, resource: str, params: Json | None, method: str, version: str = "v2"
    ) -> Json:
        """The answer's object. Raises ApiError for one that is no success, even in part."""
        if method not in ("GET", "POST", "PATCH", "DELETE"):
            raise UserError(f"Unsupported request type: {method!r}")
        path = f"/{version}/{resource.lstrip('/')}"
        query, body = ("", params) if method != "GET" else (_query_of(params or {}), None)
        reply = self.transport.send(method, path, query, body)
        _LOG.debug("%s %s: %s", method, path, reply.status_code)
        if not reply.ok:
            hint = self.transport.hint_of(reply)
            raise ApiError(path, params, method, reply, self, hint=hint)
        return reply.json()


def _query_of(params: Json) -> str:
    told: dict[str, Any] = {key: one for key, one in params.items() if one is not None}
    return urlencode(told)
