"""`app.models` and `app.public_models`: which models there are, by id, name and type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localsearch.rest.api import ApiClient
from localsearch.rest.api_models import GENERAL
from localsearch.rest.errors import ApiError, UserError
from localsearch.rest.model import Model
from localsearch.rest.wire import Json

_PUBLIC = ("", "main")
_PER_PAGE = 20
_NO_VECTORS = ("embed", "cluster")  # types that are meant only when they are named
_NOT_ALLOWED = 11007

Cache = dict[tuple[str | None, str | None], str]

# Attribute of the old client -> id that the old documentation shows. Most of them answer 404
# here: this library has one model. They are named so that old programs fail where they ask.
PUBLIC_IDS = {
    "apparel_model": "e0be3b9d6a454f0493ac3a30784001ff",
    "celebrity_model": "e466caa0619f444ab97497640cefc4dc",
    "color_model": "eeed0b6733a644cea07cf4c60f87ebb7",
    "demographics_model": "c0c0ac362b03416da06ab3fa36fb58e3",
    "face_detection_model": "a403429f2ddf4b49b307e318f00e528b",
    "face_embedding_model": "d02b4508df58432fbb84e800597b8959",
    "focus_model": "c2cf7cecd8a6427da375b9f35fcd2381",
    "food_model": "bd367be194cf45149e75f01d59f77ba7",
    "general_embedding_model": "bbb5f41425b8468d9b7a554ff10f8581",
    "general_model": "aaa03c23b3724a16a56b629203edc62c",
    "landscape_quality_model": "bec14810deb94c40a05f1f0eb3c91403",
    "logo_model": "c443119bf2ed4da98487520d01a0b1e3",
    "moderation_model": "d16f390eb32cad478c7ae150069bd2c6",
    "nsfw_model": "e9576d86d2004ed1a38ba0cf39ecb4b1",
    "portrait_quality_model": "de9bd05cfdbf4534af151beb2a5d0953",
    "textures_and_patterns_model": "fbefb47f9fdb410e8ce14f24f54b47ff",
    "travel_model": "eee28c313d69466f836ab83287a54ed9",
    "wedding_model": "c386b7a870114f4a87477c0824499348",
}


class PublicModels:
    """The public models of old, as attributes: `general_model`, `general_embedding_model`, ..."""

    def __init__(self, api: ApiClient) -> None:
        for name, model_id in PUBLIC_IDS.items():
            setattr(self, name, Model(api, model_id=model_id))

    def __getattr__(self, name: str) -> Model:
        raise AttributeError(f"there was no public model {name!r}")


class Models:
    """The models of a library. Nothing is asked before it is needed."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api
        self._cache: Cache | None = None

    @property
    def model_id_cache(self) -> Cache:
        """(name, type) -> id of the public models; asked for once."""
        if self._cache is None:
            self._cache = self.init_model_cache()
        return self._cache

    def init_model_cache(self) -> Cache:
        """Ask which public models there are."""
        found: Cache = {}
        try:
            for model in self.get_all(public_only=True):
                kind = model.output_info.get("type")
                found[(model.model_name, kind)] = model.model_id
                if (model.model_name, kind) == (GENERAL, "concept"):
                    found[(model.model_name, None)] = model.model_id
        except ApiError as fault:
            if fault.error_code != _NOT_ALLOWED:
                raise
        return found

    def clear_model_cache(self) -> None:
        """Forget what was asked."""
        self._cache = {}

    def get(
        self,
        model_name: str | None = None,
        model_id: str | None = None,
        model_type: str | None = None,
    ) -> Model:
        """A model by id, or by name. Raises ApiError if there is none, UserError for several."""
        if model_id:
            return Model(self.api, model_id=model_id)
        if not model_name:
            raise UserError("a model is named by its name or its id")
        known = self.model_id_cache.get((model_name, model_type))
        if known:
            return Model(self.api, model_id=known)
        try:
            return self._of(self.api.get_model(model_name)["model"])
        except ApiError as fault:
            if fault.response is None or fault.response.status_code != 404:
                raise
            found = self._by_name(model_name, model_type)
            if found is None:
                raise
        self.model_id_cache[(model_name, model_type)] = found.model_id
        return found

    def _by_name(self, name: str, kind: str | None) -> Model | None:
        found = [
            one
            for one in self.search(name, kind) or ()
            if kind or one.output_info.get("type") not in _NO_VECTORS
        ]
        same = [one for one in found if one.model_name == name] or found
        if len(same) > 1:
            raise UserError(
                f"{len(same)} models answer to the name {name!r}", hint="say which by model_id="
            )
        return same[0] if same else None

    def get_all(self, public_only: bool = False, private_only: bool = False) -> Iterator[Model]:
        """All models."""
        page = 1
        while found := self.api.get_models(page, _PER_PAGE)["models"]:
            yield from self._wanted(found, public_only, private_only)
            page += 1

    def get_by_page(
        self,
        public_only: bool = False,
        private_only: bool = False,
        page: int = 1,
        per_page: int = 20,
    ) -> list[Model]:
        """A page of the models, those of the kind that is wanted."""
        found = self.api.get_models(page, per_page)["models"]
        return list(self._wanted(found, public_only, private_only))

    def search(self, model_name: str | None, model_type: str | None = None) -> list[Model] | None:
        """Models by name and type; None if there is none."""
        found = self.api.search_models(model_name, model_type).get("models")
        return [self._of(one) for one in found] if found else None

    def create(
        self,
        model_id: str,
        model_name: str | None = None,
        concepts: Sequence[str] | None = None,
        concepts_mutually_exclusive: bool = False,
        closed_environment: bool = False,
        hyper_parameters: Json | None = None,
    ) -> Model:
        """Make a model of concepts; `train` teaches it."""
        answer = self.api.create_model(
            model_id,
            model_name,
            concepts,
            concepts_mutually_exclusive,
            closed_environment,
            hyper_parameters,
        )
        return self._of(answer["model"])

    def delete(self, model_id: str, version_id: str | None = None) -> Json:
        """Delete a model, or one version of it."""
        if version_id:
            return self.api.delete_model_version(model_id, version_id)
        return self.api.delete_model(model_id)

    def bulk_delete(self, model_ids: Sequence[str]) -> Json:
        """Delete models."""
        return self.api.delete_models(model_ids)

    def delete_all(self) -> Json:
        """Delete all models that are not public."""
        return self.api.delete_all_models()

    def _of(self, item: Json) -> Model:
        return Model(self.api, item)

    def _wanted(
        self, items: Sequence[Json], public_only: bool, private_only: bool
    ) -> Iterator[Model]:
        for model in map(self._of, items):
            is_public = (model.app_id or "") in _PUBLIC
            if (public_only and not is_public) or (private_only and is_public):
                continue
            yield model
