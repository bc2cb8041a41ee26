"""Searches of the old client: each builds terms, and gives images with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from localsearch.rest.answers import hit_of
from localsearch.rest.api import ApiClient
from localsearch.rest.errors import UserError
from localsearch.rest.geo import Geo, GeoBox, GeoLimit, GeoPoint
from localsearch.rest.image import Image
from localsearch.rest.pictures_in import base64_of_bytes
from localsearch.rest.terms import InputSearchTerm, OutputSearchTerm, SearchQueryBuilder
from localsearch.rest.wire import Json

Found = list[Image] | Json
"""Images with their scores; the answer's object where `raw` was asked for."""
Value = bool | float


class InputSearches:
    """The searches of `app.inputs`. Pages hold `per_page` hits, best first."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api

    def search(
        self, qb: SearchQueryBuilder, page: int = 1, per_page: int = 20, raw: bool = False
    ) -> Any:
        """Images for which all terms hold."""
        answer = self.api.search_inputs(qb.dict(), page, per_page)
        return answer if raw else [hit_of(one) for one in answer["hits"]]

    def search_by_image(
        self,
        image_id: str | None = None,
        image: Image | None = None,
        url: str | None = None,
        imgbytes: bytes | None = None,
        base64bytes: bytes | str | None = None,
        fileobj: Any = None,
        filename: str | PathLike[str] | None = None,
        crop: Sequence[float] | None = None,
        page: int = 1,
        per_page: int = 20,
        raw: bool = False,
    ) -> Any:
        """Images that look like one; by exactly one source, or UserError. `crop`: a part of it."""
        sources = (image_id, image, url, imgbytes, base64bytes, fileobj, filename)
        if sum(one is not None for one in sources) != 1:
            raise UserError(
                "Unable to construct an image", hint="give exactly one picture to search by"
            )
        if image_id is not None:
            asked: Image = Image(image_id=image_id)
        elif imgbytes is not None:
            asked = Image(base64=base64_of_bytes(imgbytes, "imgbytes"))
        elif image is not None:
            asked = image
        else:
            asked = Image(url=url, base64=base64bytes, file_obj=fileobj, filename=filename)
        return self._search([_likeness(asked, crop)], None, page, per_page, raw)

    def search_by_original_url(
        self, url: str, page: int = 1, per_page: int = 20, raw: bool = False
    ) -> Any:
        """Images that were added by just this URL."""
        return self._search([InputSearchTerm(url=url)], None, page, per_page, raw)

    def search_by_metadata(
        self, metadata: Json, page: int = 1, per_page: int = 20, raw: bool = False
    ) -> Any:
        """Images whose metadata hold these."""
        if not isinstance(metadata, dict):
            raise UserError("Metadata must be a valid dictionary. Please double check.")
        return self._search([InputSearchTerm(metadata=metadata)], None, page, per_page, raw)

    def search_by_geo(
        self,
        geo_point: GeoPoint | None = None,
        geo_limit: GeoLimit | None = None,
        geo_box: GeoBox | None = None,
        page: int = 1,
        per_page: int = 20,
        raw: bool = False,
    ) -> Any:
        """Images near a point (10 miles, if nothing else is said) or in a box."""
        limit = GeoLimit("mile", 10) if geo_limit is None else geo_limit
        if geo_point and not isinstance(geo_point, GeoPoint):
            raise UserError("geo_point type not match GeoPoint. Please check data type.")
        if not isinstance(limit, GeoLimit):
            raise UserError("geo_limit type not match GeoLimit. Please check data type.")
        if geo_box and not isinstance(geo_box, GeoBox):
            raise UserError("geo_box type not match GeoBox. Please check data type.")
        if (geo_point is None) == (geo_box is None):
            raise UserError("search by a geo_point or by a geo_box, by one of them")
        place = Geo(geo_point, limit) if geo_point is not None else Geo(geo_box=geo_box)
        return self._search([InputSearchTerm(geo=place)], None, page, per_page, raw)

    def search_by_predicted_concepts(
        self,
        concept: str | None = None,
        concepts: Sequence[str] | None = None,
        value: Value = True,
        values: Sequence[Value] | None = None,
        concept_id: str | None = None,
        concept_ids: Sequence[str] | None = None,
        page: int = 1,
        per_page: int = 20,
        lang: str | None = None,
        raw: bool = False,
    ) -> Any:
        """Images on which all these concepts are seen; not seen, where the value is False.

        Of `values`, one a concept, those that lack are `value`.
        """
        named = _named(concept, concepts, concept_id, concept_ids)
        terms = [
            OutputSearchTerm(value=said, **one)
            for one, said in zip(named, _padded(values, value, len(named)), strict=True)
        ]
        return self._search(terms, lang, page, per_page, raw)

    def search_by_annotated_concepts(
        self,
        concept: str | None = None,
        concepts: Sequence[str] | None = None,
        value: Value = True,
        values: Sequence[Value] | None = None,
        concept_id: str | None = None,
        concept_ids: Sequence[str] | None = None,
        page: int = 1,
        per_page: int = 20,
        raw: bool = False,
    ) -> Any:
        """Images of which users said all these concepts; did not, where the value is False."""
        named = _named(concept, concepts, concept_id, concept_ids)
        terms = [
            InputSearchTerm(value=said, **one)
            for one, said in zip(named, _padded(values, value, len(named)), strict=True)
        ]
        return self._search(terms, None, page, per_page, raw)

    def _search(
        self,
        terms: Sequence[InputSearchTerm | OutputSearchTerm],
        lang: str | None,
        page: int,
        per_page: int,
        raw: bool,
    ) -> Any:
        query = SearchQueryBuilder(language=lang)
        for term in terms:
            query.add_term(term)
        return self.search(query, page, per_page, raw)


def _likeness(image: Any, crop: Sequence[float] | None) -> OutputSearchTerm:
    """The term of a picture: its own crop counts where none is given besides."""
    if not isinstance(image, Image):
        raise UserError("Unrecognized image object", hint="image= takes an Image")
    part = crop if crop is not None else image.crop
    if image.url:
        return OutputSearchTerm(url=image.url, crop=part)
    if image.base64:
        return OutputSearchTerm(base64=image.base64, crop=part)
    if image.input_id:
        return OutputSearchTerm(input_id=image.input_id, crop=part)
    raise UserError("Unrecognized image object", hint="the image has no URL, bytes or id")


def _named(
    concept: str | None,
    concepts: Sequence[str] | None,
    concept_id: str | None,
    concept_ids: Sequence[str] | None,
) -> list[Json]:
    """The concepts as arguments of terms; names go before ids. Raises UserError without any."""
    for one, several, key in (
        (concept, concepts, "concept"),
        (concept_id, concept_ids, "concept_id"),
    ):
        if one and several:
            raise UserError(f"you can either search by {key} or {key}s but not both")
        if several and not isinstance(several, list | tuple):
            raise UserError(f"{key}s must be a list")
        names = list(several) if several else [one] if one else []
        if not all(isinstance(name, str) and name for name in names):
            raise UserError(f"{key} should be a string" if one else f"{key}s are strings")
        if names:
            return [{key: str(name)} for name in names]
    raise UserError(
        "no concept to search for", hint="give concept=, concepts=, concept_id= or concept_ids="
    )


def _padded(values: Sequence[Value] | None, value: Value, count: int) -> list[Value]:
    """A value for each concept: those given, then `value`. Raises UserError for more values."""
    given = list(values) if values else []
    if len(given) > count:
        raise UserError(f"{len(given)} values for {count} concepts")
    return given + [value] * (count - len(given))
