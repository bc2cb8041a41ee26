"""The old client's low level: one method a call, each gives the answer's object."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from localsearch.rest.api_models import ModelCalls, media
from localsearch.rest.concept import Concept
from localsearch.rest.errors import UserError
from localsearch.rest.image import Input
from localsearch.rest.opening import UrlMap, opened
from localsearch.rest.wire import Json, escaped

_PATCHED = ("concepts", "metadata", "regions", "geo")


class ApiClient(ModelCalls):
    """Calls about inputs, searches and concepts; those about models are its parent's.

    `library` (a path or an open Library) or, where neither it nor `base_url` is given, the
    library of `LOCALSEARCH_LIBRARY`, the nearest one, or one in this user's data folder, is
    searched in this process. `base_url`, or `CLARIFAI_API_BASE`, means a server; `library` goes
    before both. Keys are sent to servers only.
    """

    concepts_patch_actions = ("overwrite",)

    def __init__(
        self,
        app_id: str | None = None,
        app_secret: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        quiet: bool = True,
        log_level: int | None = None,
        library: Any = None,
        url_map: UrlMap = None,
        allow_urls: bool = False,
    ) -> None:
        if log_level or not quiet:
            logging.getLogger("localsearch.rest").setLevel(log_level or logging.DEBUG)
        self.api_key = api_key or os.environ.get("CLARIFAI_API_KEY")
        self.app_id = app_id
        self.app_secret = app_secret
        self.token: str | None = None
        where = opened(library, base_url, self.api_key, url_map, allow_urls)
        super().__init__(where.transport)
        self.library = where.library
        self.base_url = where.base_url
        self.basev2 = where.base_url

    # -- tokens: what came before keys; nothing here needs one ----------------------------------

    def get_token(self) -> str | None:
        """A token, as the service of old gave for an app's id and secret."""
        self.token = self.post("token").get("access_token")
        return self.token

    def set_token(self, token: str) -> None:
        """Remember a token."""
        self.token = token

    def delete_token(self) -> None:
        """Forget the token."""
        self.token = None

    # -- inputs -------------------------------------------------------------------------------

    def add_inputs(self, objs: Sequence[Input]) -> Json:
        """Add images."""
        told = media(objs)
        for one in objs:
            if one.input_id and not isinstance(one.input_id, str):
                raise UserError("Not valid input ID. Must be a string or None")
            if one.input_id and "/" in one.input_id:
                raise UserError('Not valid input ID. Cannot contain character: "/"')
        return self.post("inputs", {"inputs": told})

    def search_inputs(self, query: Json, page: int = 1, per_page: int = 20) -> Json:
        """A page of the hits of a query."""
        asked = {"query": query, "pagination": {"page": page, "per_page": per_page}}
        return self.post("searches", asked)

    def get_input(self, input_id: str) -> Json:
        """An input."""
        return self.get(f"inputs/{escaped(input_id)}")

    def get_inputs(self, page: int = 1, per_page: int = 20) -> Json:
        """A page of the inputs."""
        return self.get("inputs", {"page": page, "per_page": per_page})

    def get_inputs_status(self) -> Json:
        """How many inputs there are, by state."""
        return self.get("inputs/status")

    def delete_input(self, input_id: str) -> Json:
        """Delete an input."""
        return self.delete(f"inputs/{escaped(input_id)}")

    def delete_inputs(self, input_ids: Sequence[str]) -> Json:
        """Delete inputs."""
        return self.delete("inputs", {"ids": list(input_ids)})

    def delete_all_inputs(self) -> Json:
        """Delete all inputs."""
        return self.delete("inputs", {"delete_all": True})

    def patch_inputs(self, action: str, inputs: Sequence[Input]) -> Json:
        """Change what is said of inputs: concepts, metadata, regions and place."""
        if action not in self.patch_actions:
            raise UserError("action not supported.")
        told = [one for one in map(_change, inputs) if "data" in one]
        if not told:
            raise UserError("there is nothing to change", hint="give concepts, metadata or a place")
        return self.patch("inputs", {"inputs": told, "action": action})

    def get_outputs(self, input_id: str) -> Json:
        """What models saw in an input."""
        return self.get(f"inputs/{escaped(input_id)}/outputs")

    def patch_outputs(self, input_id: str, action: str, concept_ids: Sequence[str]) -> Json:
        """Say that what models saw in an input is so (`merge`) or is not (`remove`)."""
        value = 1 if action == "merge" else 0
        concepts = [{"id": one, "value": value} for one in concept_ids]
        outputs = [{"data": {"concepts": concepts}}]
        return self.patch(
            f"inputs/{escaped(input_id)}/outputs", {"outputs": outputs, "action": action}
        )

    def send_search_feedback(self, obj: Input) -> Json:
        """Say something of a hit."""
        return self.post("searches/feedback", {"input": obj.dict()})

    # -- concepts -------------------------------------------------------------------------------

    def get_concept(self, concept_id: str) -> Json:
        """A concept."""
        return self.get(f"concepts/{escaped(concept_id)}")

    def get_concepts(self, page: int = 1, per_page: int = 20) -> Json:
        """A page of the concepts."""
        return self.get("concepts", {"page": page, "per_page": per_page})

    def add_concepts(
        self, concept_ids: Sequence[str], concept_names: Sequence[str | None] | None = None
    ) -> Json:
        """Make concepts; one without a name is named by its id."""
        names = [None] * len(concept_ids) if concept_names is None else concept_names
        if not isinstance(concept_ids, list | tuple) or not isinstance(names, list | tuple):
            raise UserError("concept_ids and concept_names should be both be list ")
        if len(concept_ids) != len(names):
            raise UserError(
                "length of concept id list should match length of the concept name list"
            )
        told = [
            {"id": one} if name is None else {"id": one, "name": name}
            for one, name in zip(concept_ids, names, strict=True)
        ]
        return self.post("concepts", {"concepts": told})

    def search_concepts(
        self, term: str, page: int = 1, per_page: int = 20, language: str | None = None
    ) -> Json:
        """A page of the concepts of a name; `*` stands for any letters."""
        query: Json = {"name": term}
        if language is not None:
            query["language"] = language
        pages = {"page": page, "per_page": per_page}
        return self.post("concepts/searches", {"concept_query": query, "pagination": pages})

    def patch_concepts(self, action: str, concepts: Sequence[Concept]) -> Json:
        """Rename concepts."""
        if action not in self.concepts_patch_actions:
            raise UserError("action not supported.")
        told = [one.dict() for one in concepts]
        return self.patch("concepts", {"concepts": told, "action": action})


def _change(one: Input) -> Json:
    """An input as it travels in a change: without its media, which cannot be changed."""
    told = one.dict()
    data = {key: value for key, value in told.pop("data", {}).items() if key in _PATCHED}
    return {**told, "data": data} if data else told
