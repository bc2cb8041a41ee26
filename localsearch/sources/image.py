"""A decoded picture as a Pillow image, for programs that want to draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsearch.records import Picture

if TYPE_CHECKING:
    from PIL.Image import Image


def image_of(picture: Picture) -> Image:
    """The picture as a Pillow image in mode RGB."""
    from PIL import Image as images

    return images.fromarray(picture.pixels)
