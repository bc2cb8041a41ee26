"""What an answer says of itself: its status, its counts, its page."""

from __future__ import annotations

from localsearch.rest.errors import UserError
from localsearch.rest.wire import Json


class ApiStatus:
    """A status: `code` and `description`."""

    def __init__(self, item: Json) -> None:
        self.code = item["code"]
        self.description = item["description"]

    def dict(self) -> Json:
        """As it travelled."""
        return {"status": {"code": self.code, "description": self.description}}


class ApiResponse:
    """Kept so that old imports work."""

    def __init__(self) -> None:
        self.status: ApiStatus | None = None


class pagination:
    """A page of an answer."""

    def __init__(self, page: int = 1, per_page: int = 20) -> None:
        self.page = page
        self.per_page = per_page

    def dict(self) -> Json:
        """As it travels."""
        return {"page": self.page, "per_page": self.per_page}


class InputCounts:
    """How many inputs are there: `processed`, `to_process`, `errors`."""

    def __init__(self, item: Json) -> None:
        counts = item.get("counts") if isinstance(item, dict) else None
        if not counts:
            raise UserError("an answer without counts says nothing of the inputs")
        self.processed = counts["processed"]
        self.to_process = counts["to_process"]
        self.errors = counts["errors"]

    def dict(self) -> Json:
        """As it travelled."""
        return {
            "counts": {
                "processed": self.processed,
                "to_process": self.to_process,
                "errors": self.errors,
            }
        }
