"""Images as the old client showed them: what to add, and what an answer tells of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from localsearch.rest.errors import UserError
from localsearch.rest.geo import Geo
from localsearch.rest.pictures_in import base64_of_file, base64_of_object, base64_text
from localsearch.rest.regions import FeedbackInfo, Region
from localsearch.rest.status import ApiStatus
from localsearch.rest.wire import Json

Names = Sequence[str] | None


class Input:
    """What an image and a video have in common: id, concepts, metadata, place."""

    def __init__(
        self,
        input_id: str | None = None,
        concepts: Names = None,
        not_concepts: Names = None,
        metadata: Json | None = None,
        geo: Geo | None = None,
        regions: Sequence[Region] | None = None,
        feedback_info: FeedbackInfo | None = None,
    ) -> None:
        _check_list(concepts, "concepts")
        _check_list(not_concepts, "not_concepts")
        _check_kind(metadata, dict, "metadata should be a dictionary")
        _check_kind(geo, Geo, "geo should be a Geo object")
        _check_kind(feedback_info, FeedbackInfo, "feedback_info should be a FeedbackInfo object")
        _check_list(regions, "regions")
        if not all(isinstance(one, Region) for one in regions or ()):
            raise UserError("regions should be a list of Region")
        self.input_id = input_id
        self.concepts = concepts
        self.not_concepts = not_concepts
        self.metadata = metadata
        self.geo = geo
        self.regions = regions
        self.feedback_info = feedback_info
        self.score: float = 0
        self.status: ApiStatus | None = None
        # Name -> id of concepts that an answer told. The names are shown, the ids are sent back:
        # so an image that was fetched and is posted again makes no new concepts.
        self._concept_ids: Mapping[str, str] = {}

    def dict(self) -> Json:
        """As it travels, without what is not known."""
        data: Json = {}
        said = [(name, True) for name in self.concepts or ()]
        said += [(name, False) for name in self.not_concepts or ()]
        if said:
            ids = self._concept_ids
            data["concepts"] = [{"id": ids.get(name, name), "value": is_so} for name, is_so in said]
        if self.metadata:
            data["metadata"] = self.metadata
        if self.geo:
            data.update(self.geo.dict())
        if self.regions:
            data["regions"] = [one.dict() for one in self.regions]
        told: Json = {"id": self.input_id} if self.input_id else {}
        if self.feedback_info:
            told.update(self.feedback_info.dict())
        if data:
            told["data"] = data
        return told


class Image(Input):
    """An image: by URL, file, file object or base64; or one that is there, by `image_id`.

    Files and file objects are read at once, from their beginning. `crop` is top, left, bottom,
    right as shares of height and width.
    """

    def __init__(
        self,
        url: str | None = None,
        file_obj: Any = None,
        base64: str | bytes | None = None,
        filename: str | PathLike[str] | None = None,
        crop: Sequence[float] | None = None,
        image_id: str | None = None,
        concepts: Names = None,
        not_concepts: Names = None,
        regions: Sequence[Region] | None = None,
        metadata: Json | None = None,
        geo: Geo | None = None,
        feedback_info: FeedbackInfo | None = None,
        allow_dup_url: bool = False,
    ) -> None:
        super().__init__(image_id, concepts, not_concepts, metadata, geo, regions, feedback_info)
        self.crop = _checked_crop(crop)
        self.url = url.strip() if url else url
        self.file_obj = file_obj
        self.filename = None
        self.base64 = _base64_of(filename, file_obj, base64)
        self.allow_dup_url = allow_dup_url

    @property
    def has_media(self) -> bool:
        """Whether there is a picture, and not an id alone."""
        return bool(self.url or self.base64)

    def dict(self) -> Json:
        """As it travels, without what is not known."""
        image: Json = {}
        if self.base64:
            image["base64"] = base64_text(self.base64)
        if self.url:
            image["url"] = self.url
        if self.crop:
            image["crop"] = list(self.crop)
        if self.allow_dup_url:
            image["allow_duplicate_url"] = self.allow_dup_url
        return _with_media(super().dict(), {"image": image} if image else {})


class Video(Input):
    """A video. Kept for old imports: videos are answered, but not indexed here."""

    def __init__(
        self,
        url: str | None = None,
        file_obj: Any = None,
        base64: str | bytes | None = None,
        filename: str | PathLike[str] | None = None,
        video_id: str | None = None,
    ) -> None:
        super().__init__(input_id=video_id)
        self.url = url.strip() if url else url
        self.file_obj = file_obj
        self.filename = None
        self.base64 = _base64_of(filename, file_obj, base64)

    @property
    def has_media(self) -> bool:
        """Whether there is a video, and not an id alone."""
        return bool(self.url or self.base64)

    def dict(self) -> Json:
        """As it travels."""
        video = {"base64": base64_text(self.base64)} if self.base64 else {"url": self.url}
        return _with_media(super().dict(), {"video": video})


def _base64_of(
    filename: str | PathLike[str] | None, file_obj: Any, base64: str | bytes | None
) -> str | bytes | None:
    """What is to be sent; a file goes before a file object, and that before base64."""
    if filename is not None:
        return base64_of_file(filename)
    if file_obj is not None:
        return base64_of_object(file_obj)
    if base64 is not None:
        base64_text(base64)  # told here, where it was given, rather than when it is sent
    return base64


def _with_media(told: Json, media: Json) -> Json:
    if media:
        told["data"] = {**told.get("data", {}), **media}
    return told


def _checked_crop(crop: Sequence[float] | None) -> Sequence[float] | None:
    if crop and (not isinstance(crop, list | tuple) or len(crop) != 4):
        raise UserError("crop arg must be list of 4 floats or None")
    return crop


def _check_list(value: object, name: str) -> None:
    if value and not isinstance(value, list | tuple):
        raise UserError(f"{name} should be a list or tuple")


def _check_kind(value: object, kind: type, told: str) -> None:
    if value and not isinstance(value, kind):
        raise UserError(told)
