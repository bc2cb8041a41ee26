"""Predictions of one image by URL, file, bytes or base64; models and workflows have them alike."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from localsearch.rest.concept import Concept
from localsearch.rest.image import Image, Input, Video
from localsearch.rest.output_config import ModelOutputConfig
from localsearch.rest.pictures_in import base64_of_bytes
from localsearch.rest.wire import Json

Chosen = Sequence[Concept | str] | None


class Predicting:
    """The `predict_by_...` methods, over `_predicted` of what has them."""

    def _predicted(self, one: Input, config: ModelOutputConfig) -> Json:
        raise NotImplementedError

    def predict_by_url(
        self,
        url: str,
        lang: str | None = None,
        is_video: bool = False,
        min_value: float | None = None,
        max_concepts: int | None = None,
        select_concepts: Chosen = None,
        sample_ms: int | None = None,
    ) -> Json:
        """What is seen in the image at a URL."""
        config = _config(lang, min_value, max_concepts, select_concepts, sample_ms)
        return self._predicted(_media(is_video, url=url), config)

    def predict_by_filename(
        self,
        filename: str | PathLike[str],
        lang: str | None = None,
        is_video: bool = False,
        min_value: float | None = None,
        max_concepts: int | None = None,
        select_concepts: Chosen = None,
        sample_ms: int | None = None,
    ) -> Json:
        """What is seen in the image of a file."""
        config = _config(lang, min_value, max_concepts, select_concepts, sample_ms)
        return self._predicted(_media(is_video, filename=filename), config)

    def predict_by_bytes(
        self,
        raw_bytes: bytes,
        lang: str | None = None,
        is_video: bool = False,
        min_value: float | None = None,
        max_concepts: int | None = None,
        select_concepts: Chosen = None,
        sample_ms: int | None = None,
    ) -> Json:
        """What is seen in an encoded picture."""
        config = _config(lang, min_value, max_concepts, select_concepts, sample_ms)
        base64 = base64_of_bytes(raw_bytes, "raw_bytes")
        return self._predicted(_media(is_video, base64=base64), config)

    def predict_by_base64(
        self,
        base64_bytes: bytes | str,
        lang: str | None = None,
        is_video: bool = False,
        min_value: float | None = None,
        max_concepts: int | None = None,
        select_concepts: Chosen = None,
        sample_ms: int | None = None,
    ) -> Json:
        """What is seen in a picture in base64."""
        config = _config(lang, min_value, max_concepts, select_concepts, sample_ms)
        return self._predicted(_media(is_video, base64=base64_bytes), config)


def _media(is_video: bool, **source: Any) -> Input:
    return Video(**source) if is_video else Image(**source)


def _config(
    lang: str | None,
    min_value: float | None,
    max_concepts: int | None,
    select_concepts: Chosen,
    sample_ms: int | None,
) -> ModelOutputConfig:
    return ModelOutputConfig(
        language=lang,
        min_value=min_value,
        max_concepts=max_concepts,
        select_concepts=select_concepts,
        sample_ms=sample_ms,
    )
