"""One answer, with the attributes that old programs read of an HTTP response."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus

from localsearch.rest.wire import Json

MIXED = 10010
"""The status code of an answer where some items failed and others did not."""
_OK = (10000, 30000)


class Reply:
    """An answer: `status_code`, `json()`, `text`, `content`, `ok`, `reason`, `headers`."""

    def __init__(self, status_code: int, body: Json, text: str | None = None) -> None:
        self.status_code = status_code
        self.headers = {"Content-Type": "application/json"}
        self._body = body
        self._text = text

    def json(self) -> Json:
        """The answer's object."""
        return self._body

    @property
    def text(self) -> str:
        """The answer as text."""
        return json.dumps(self._body) if self._text is None else self._text

    @property
    def content(self) -> bytes:
        """The answer as bytes."""
        return self.text.encode("utf-8")

    @property
    def ok(self) -> bool:
        """Whether the call succeeded, at least for some of its items."""
        return 200 <= self.status_code < 300

    @property
    def reason(self) -> str:
        """The usual words for `status_code`."""
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return ""

    @property
    def status(self) -> Json:
        """The status object of the answer; empty if it has none."""
        found = self._body.get("status")
        return found if isinstance(found, dict) else {}

    def causes(self) -> Iterator[str]:
        """A line for each item that failed, with its own status."""
        for place, status in self._failed():
            told = [str(status[key]) for key in ("code", "description", "details") if key in status]
            yield f"{place}: {', '.join(told)}"

    def codes(self) -> set[object]:
        """The codes of the status and of all items that failed."""
        return {self.status.get("code"), *(status["code"] for _, status in self._failed())}

    def _failed(self) -> Iterator[tuple[str, Json]]:
        for kind in ("inputs", "outputs", "concepts"):
            items = self._body.get(kind)
            for place, item in enumerate(items if isinstance(items, list) else []):
                status = item.get("status") if isinstance(item, dict) else None
                if isinstance(status, dict) and status.get("code") not in (None, *_OK):
                    yield f"{kind}[{place}]", status
