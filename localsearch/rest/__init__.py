"""The old Python client's classes over a library: programs change the import, and run offline.

    from localsearch.rest import ClarifaiApp, Image as ClImage

    app = ClarifaiApp(library="~/Pictures")
    app.inputs.create_image_from_filename("cat.jpg", concepts=["cat"])
    for image in app.inputs.search_by_predicted_concepts(concept="people"):
        print(image.score, image.url)

Same names, argument order, attributes and exceptions as the client of old; what was wrong in it is
mended. With `base_url=` the same classes talk to `localsearch serve`.
"""

from __future__ import annotations

from localsearch.rest.api import ApiClient
from localsearch.rest.app import Auth, ClarifaiApp
from localsearch.rest.concept import Concept
from localsearch.rest.concepts import Concepts
from localsearch.rest.errors import ApiClientError, ApiError, TokenError, UserError
from localsearch.rest.geo import Geo, GeoBox, GeoLimit, GeoPoint
from localsearch.rest.image import Image, Input, Video
from localsearch.rest.inputs import Inputs
from localsearch.rest.model import Model
from localsearch.rest.models import Models, PublicModels
from localsearch.rest.output_config import ModelOutputConfig, ModelOutputInfo
from localsearch.rest.regions import (
    BoundingBox,
    Face,
    FaceAgeAppearance,
    FaceGenderAppearance,
    FaceIdentity,
    FaceMulticulturalAppearance,
    FeedbackInfo,
    FeedbackType,
    Region,
    RegionInfo,
)
from localsearch.rest.status import ApiResponse, ApiStatus, InputCounts, pagination
from localsearch.rest.terms import (
    InputSearchTerm,
    OutputSearchTerm,
    SearchQueryBuilder,
    SearchTerm,
)
from localsearch.rest.workflows import Workflow, WorkflowNode, Workflows

__all__ = [
    "ApiClient",
    "ApiClientError",
    "ApiError",
    "ApiResponse",
    "ApiStatus",
    "Auth",
    "BoundingBox",
    "ClarifaiApp",
    "Concept",
    "Concepts",
    "Face",
    "FaceAgeAppearance",
    "FaceGenderAppearance",
    "FaceIdentity",
    "FaceMulticulturalAppearance",
    "FeedbackInfo",
    "FeedbackType",
    "Geo",
    "GeoBox",
    "GeoLimit",
    "GeoPoint",
    "Image",
    "Input",
    "InputCounts",
    "InputSearchTerm",
    "Inputs",
    "Model",
    "ModelOutputConfig",
    "ModelOutputInfo",
    "Models",
    "OutputSearchTerm",
    "PublicModels",
    "Region",
    "RegionInfo",
    "SearchQueryBuilder",
    "SearchTerm",
    "TokenError",
    "UserError",
    "Video",
    "Workflow",
    "WorkflowNode",
    "Workflows",
    "pagination",
]
