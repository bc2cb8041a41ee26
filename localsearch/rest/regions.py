"""Regions of a picture and what is said of them, and what a user says of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from localsearch.rest.concept import Concept, concept_of
from localsearch.rest.wire import Json


class FeedbackType(Enum):
    """What is said of a region."""

    accurate = 1
    misplaced = 2
    not_detected = 3
    false_positive = 4


class FeedbackInfo:
    """Who says something of which answer."""

    def __init__(
        self,
        end_user_id: str | None = None,
        session_id: str | None = None,
        event_type: str | None = None,
        output_id: str | None = None,
        search_id: str | None = None,
    ) -> None:
        self.end_user_id = end_user_id
        self.session_id = session_id
        self.event_type = event_type
        self.output_id = output_id
        self.search_id = search_id

    def dict(self) -> Json:
        """As it travels."""
        told: Json = {
            "end_user_id": self.end_user_id,
            "session_id": self.session_id,
            "event_type": self.event_type,
        }
        if self.output_id:
            told["output_id"] = self.output_id
        if self.search_id:
            told["search_id"] = self.search_id
        return {"feedback_info": told}


class BoundingBox:
    """A part of a picture, as shares of its height and width."""

    def __init__(
        self, top_row: float, left_col: float, bottom_row: float, right_col: float
    ) -> None:
        self.top_row = top_row
        self.left_col = left_col
        self.bottom_row = bottom_row
        self.right_col = right_col

    def dict(self) -> Json:
        """As it travels."""
        return {
            "bounding_box": {
                "top_row": self.top_row,
                "left_col": self.left_col,
                "bottom_row": self.bottom_row,
                "right_col": self.right_col,
            }
        }


class RegionInfo:
    """Where a region is, and what is said of it."""

    def __init__(
        self, bbox: BoundingBox | None = None, feedback_type: FeedbackType | str | None = None
    ) -> None:
        self.bbox = bbox
        self.feedback_type = feedback_type

    def dict(self) -> Json:
        """As it travels."""
        told: Json = self.bbox.dict() if self.bbox else {}
        if self.feedback_type:
            said = self.feedback_type
            told["feedback"] = said.name if isinstance(said, FeedbackType) else said
        return {"region_info": told}


class _FaceConcepts:
    """Concepts of one kind that are said of a face; `kind` is its key."""

    kind = ""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self.concepts = concepts

    def dict(self) -> Json:
        """As it travels."""
        return {self.kind: {"concepts": [_told(one) for one in self.concepts]}}


class FaceIdentity(_FaceConcepts):
    """Who it is."""

    kind = "identity"


class FaceAgeAppearance(_FaceConcepts):
    """How old it looks."""

    kind = "age_appearance"


class FaceGenderAppearance(_FaceConcepts):
    """Of which gender it looks."""

    kind = "gender_appearance"


class FaceMulticulturalAppearance(_FaceConcepts):
    """Of which origin it looks."""

    kind = "multicultural_appearance"


class Face:
    """What is said of a face. Kept for old imports: no model here knows faces."""

    def __init__(
        self,
        identity: FaceIdentity | None = None,
        age_appearance: FaceAgeAppearance | None = None,
        gender_appearance: FaceGenderAppearance | None = None,
        multicultural_appearance: FaceMulticulturalAppearance | None = None,
    ) -> None:
        self.identity = identity
        self.age_appearance = age_appearance
        self.gender_appearance = gender_appearance
        self.multicultural_appearance = multicultural_appearance

    def dict(self) -> Json:
        """As it travels."""
        parts = (
            self.identity,
            self.age_appearance,
            self.gender_appearance,
            self.multicultural_appearance,
        )
        told: Json = {}
        for part in parts:
            if part is not None:
                told.update(part.dict())
        return {"face": told}


class Region:
    """A part of a picture with its own concepts or face."""

    def __init__(
        self,
        region_info: RegionInfo | None = None,
        concepts: Sequence[Concept] | None = None,
        face: Face | None = None,
        region_id: str | None = None,
    ) -> None:
        self.region_info = region_info
        self.concepts = concepts
        self.face = face
        self.region_id = region_id

    def dict(self) -> Json:
        """As it travels."""
        data: Json = {}
        if self.concepts:
            data["concepts"] = [_told(one) for one in self.concepts]
        if self.face:
            data.update(self.face.dict())
        region: Json = self.region_info.dict() if self.region_info else {}
        if self.region_id:
            region["id"] = self.region_id
        if data:
            region["data"] = data
        return region


def region_of(item: Json) -> Region:
    """The region of an answer; its face is not kept."""
    box = (item.get("region_info") or {}).get("bounding_box")
    sides = ("top_row", "left_col", "bottom_row", "right_col")
    bbox = BoundingBox(*(float(box.get(side, 0.0)) for side in sides)) if box else None
    concepts = (item.get("data") or {}).get("concepts")
    return Region(
        region_info=RegionInfo(bbox=bbox) if bbox else None,
        concepts=[concept_of(one) for one in concepts] if concepts else None,
        region_id=item.get("id"),
    )


def _told(concept: Any) -> Json:
    """A concept as it travels; one given as text by its name."""
    return {"name": concept} if isinstance(concept, str) else dict(concept.dict())
