"""`app.inputs`: adding, reading, deleting and annotating images; searches are its parent's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

from localsearch.rest.answers import image_of
from localsearch.rest.errors import UserError
from localsearch.rest.geo import Geo
from localsearch.rest.image import Image, Names
from localsearch.rest.input_searches import InputSearches
from localsearch.rest.pictures_in import base64_of_bytes
from localsearch.rest.regions import FeedbackInfo
from localsearch.rest.status import ApiStatus, InputCounts
from localsearch.rest.wire import BATCH, Json

INDEXED = 30000
Crop = Sequence[float] | None


class Inputs(InputSearches):
    """The images of a library."""

    # -- adding -----------------------------------------------------------------------------

    def create_image(self, image: Image) -> Image:
        """Add an image; it can be found when this returns."""
        return image_of(self.api.add_inputs([image])["inputs"][0])

    def create_image_from_url(
        self,
        url: str,
        image_id: str | None = None,
        concepts: Names = None,
        not_concepts: Names = None,
        crop: Crop = None,
        metadata: Json | None = None,
        geo: Geo | None = None,
        allow_duplicate_url: bool = False,
    ) -> Image:
        """Add an image by its URL."""
        said = _said(image_id, concepts, not_concepts, crop, metadata, geo, allow_duplicate_url)
        return self.create_image(Image(url=url, **said))

    def create_image_from_filename(
        self,
        filename: str | PathLike[str],
        image_id: str | None = None,
        concepts: Names = None,
        not_concepts: Names = None,
        crop: Crop = None,
        metadata: Json | None = None,
        geo: Geo | None = None,
        allow_duplicate_url: bool = False,
    ) -> Image:
        """Add the bytes of a file; the file may go afterwards."""
        said = _said(image_id, concepts, not_concepts, crop, metadata, geo, allow_duplicate_url)
        return self.create_image(Image(filename=filename, **said))

    def create_image_from_bytes(
        self,
        img_bytes: bytes,
        image_id: str | None = None,
        concepts: Names = None,
        not_concepts: Names = None,
        crop: Crop = None,
        metadata: Json | None = None,
        geo: Geo | None = None,
        allow_duplicate_url: bool = False,
    ) -> Image:
        """Add the bytes of an encoded picture."""
        said = _said(image_id, concepts, not_concepts, crop, metadata, geo, allow_duplicate_url)
        return self.create_image(Image(base64=base64_of_bytes(img_bytes, "img_bytes"), **said))

    def create_image_from_base64(
        self,
        base64_bytes: bytes | str,
        image_id: str | None = None,
        concepts: Names = None,
        not_concepts: Names = None,
        crop: Crop = None,
        metadata: Json | None = None,
        geo: Geo | None = None,
        allow_duplicate_url: bool = False,
    ) -> Image:
        """Add a picture in base64: text, bytes or a data URI."""
        said = _said(image_id, concepts, not_concepts, crop, metadata, geo, allow_duplicate_url)
        return self.create_image(Image(base64=base64_bytes, **said))

    def bulk_create_images(self, images: Sequence[Image]) -> list[Image]:
        """Add up to 128 images; each that could not be added tells why in its `status`.

        Raises ApiError if none could be added.
        """
        if len(images) > BATCH:
            raise UserError(f"the maximum number of inputs in a batch is {BATCH}")
        return [image_of(one) for one in self.api.add_inputs(images)["inputs"]]

    # -- reading ----------------------------------------------------------------------------

    def check_status(self) -> InputCounts:
        """How many images there are, by state."""
        return InputCounts(self.api.get_inputs_status())

    def get_all(self, ignore_error: bool = False) -> Iterator[Image]:
        """All images, in the order of adding; `ignore_error` leaves out what is not indexed."""
        page = 1
        while found := self.api.get_inputs(page, 20)["inputs"]:
            yield from _wanted(found, ignore_error)
            page += 1

    def get_by_page(
        self, page: int = 1, per_page: int = 20, ignore_error: bool = False
    ) -> list[Image]:
        """A page of the images."""
        return list(_wanted(self.api.get_inputs(page, per_page)["inputs"], ignore_error))

    def get(self, input_id: str) -> Image:
        """An image by its id."""
        return image_of(self.api.get_input(input_id)["input"])

    # -- deleting ---------------------------------------------------------------------------

    def delete(self, input_id: str | Sequence[str]) -> ApiStatus:
        """Delete an image, or a list of them."""
        if isinstance(input_id, list | tuple):
            return ApiStatus(self.api.delete_inputs(input_id)["status"])
        return ApiStatus(self.api.delete_input(str(input_id))["status"])

    def delete_all(self) -> ApiStatus:
        """Delete all images."""
        return ApiStatus(self.api.delete_all_inputs()["status"])

    # -- annotating -------------------------------------------------------------------------

    def update(self, image: Image, action: str = "merge") -> Image:
        """Change what is said of an image: `merge`, `overwrite` or `remove`."""
        return self.bulk_update([image], action)[0]

    def bulk_update(self, images: Sequence[Image], action: str = "merge") -> list[Image]:
        """The same for several images."""
        return [image_of(one) for one in self.api.patch_inputs(action, images)["inputs"]]

    def merge_concepts(
        self,
        input_id: str,
        concepts: Names = None,
        not_concepts: Names = None,
        overwrite: bool = False,
    ) -> Image:
        """Say concepts of an image, besides those said before, or (`overwrite`) in their place."""
        image = Image(image_id=input_id, concepts=concepts, not_concepts=not_concepts)
        return self.update(image, "overwrite" if overwrite else "merge")

    def add_concepts(
        self, input_id: str, concepts: Names = None, not_concepts: Names = None
    ) -> Image:
        """Say concepts of an image."""
        return self.merge_concepts(input_id, concepts, not_concepts)

    def delete_concepts(self, input_id: str, concepts: Names) -> Image:
        """Take concepts off an image."""
        return self.update(Image(image_id=input_id, concepts=concepts), "remove")

    def bulk_merge_concepts(
        self, input_ids: Sequence[str], concept_lists: Sequence[Sequence[tuple[str, bool]]]
    ) -> list[Image]:
        """Say concepts of several images; each list holds (concept, whether it is so)."""
        _check_lengths(input_ids, concept_lists)
        images = [
            Image(
                image_id=input_id,
                concepts=[name for name, is_so in said if is_so],
                not_concepts=[name for name, is_so in said if not is_so],
            )
            for input_id, said in zip(input_ids, concept_lists, strict=True)
        ]
        return self.bulk_update(images, "merge")

    def bulk_delete_concepts(
        self, input_ids: Sequence[str], concept_lists: Sequence[Sequence[str]]
    ) -> list[Image]:
        """Take concepts off several images."""
        _check_lengths(input_ids, concept_lists)
        images = [
            Image(image_id=input_id, concepts=names)
            for input_id, names in zip(input_ids, concept_lists, strict=True)
        ]
        return self.bulk_update(images, "remove")

    def merge_metadata(self, input_id: str, metadata: Json) -> Image:
        """Add metadata to those of an image."""
        return self.update(Image(image_id=input_id, metadata=metadata), "merge")

    # -- what is said of answers ------------------------------------------------------------

    def send_search_feedback(
        self, input_id: str, feedback_info: FeedbackInfo | None = None
    ) -> Json:
        """Say something of a hit."""
        told = Image(image_id=input_id, feedback_info=feedback_info)
        return self.api.send_search_feedback(told)

    def get_outputs(self, input_id: str) -> Json:
        """What models saw in an image."""
        return self.api.get_outputs(input_id)

    def remove_outputs_concepts(self, input_id: str, concept_ids: Sequence[str]) -> Json:
        """Say that these concepts were seen wrongly."""
        return self.api.patch_outputs(input_id, "remove", concept_ids)

    def merge_outputs_concepts(self, input_id: str, concept_ids: Sequence[str]) -> Json:
        """Say that these concepts are seen rightly."""
        return self.api.patch_outputs(input_id, "merge", concept_ids)


def _said(
    image_id: str | None,
    concepts: Names,
    not_concepts: Names,
    crop: Crop,
    metadata: Json | None,
    geo: Geo | None,
    allow_duplicate_url: bool,
) -> dict[str, Any]:
    """The arguments that all ways of adding an image have in common, as Image names them."""
    return {
        "image_id": image_id,
        "concepts": concepts,
        "not_concepts": not_concepts,
        "crop": crop,
        "metadata": metadata,
        "geo": geo,
        "allow_dup_url": allow_duplicate_url,
    }


def _wanted(items: Sequence[Json], ignore_error: bool) -> Iterator[Image]:
    for image in map(image_of, items):
        if ignore_error and (image.status is None or image.status.code != INDEXED):
            continue
        yield image


def _check_lengths(ids: Sequence[str], lists: Sequence[object]) -> None:
    if len(ids) != len(lists):
        raise UserError("Argument error. please check", hint="one list of concepts for each id")
