"""A model: what it is, what it predicts, and (for one's own) what it is taught."""

from __future__ import annotations

import time
from collections.abc import Sequence

from localsearch.rest.api import ApiClient
from localsearch.rest.concept import Concept, concept_of
from localsearch.rest.errors import UserError
from localsearch.rest.image import Image, Input, Names
from localsearch.rest.output_config import ModelOutputConfig, ModelOutputInfo
from localsearch.rest.predicting import Predicting
from localsearch.rest.regions import FeedbackInfo, Region
from localsearch.rest.wire import Json

_AT_WORK = (21101, 21103)  # being trained, queued for it


class Model(Predicting):
    """A model by its id alone, or as an answer told it."""

    def __init__(
        self, api: ApiClient, item: Json | None = None, model_id: str | None = None
    ) -> None:
        self.api = api
        told: Json = {} if item is None or model_id is not None else item
        version: Json = told.get("model_version") or {}
        self.model_id: str = model_id if model_id is not None else told.get("id", "")
        self.model_name: str | None = told.get("name")
        self.created_at: str | None = told.get("created_at")
        self.app_id: str | None = told.get("app_id")
        self.model_version: str | None = version.get("id")
        self.model_status_code: int | None = (version.get("status") or {}).get("code")
        self.output_info: Json = told.get("output_info") or {}
        config: Json = self.output_info.get("output_config") or {}
        self.concepts_mutually_exclusive: bool = config.get("concepts_mutually_exclusive", False)
        self.closed_environment: bool = config.get("closed_environment", False)
        self.hyper_parameters: Json | None = config.get("hyper_params")
        concepts = (self.output_info.get("data") or {}).get("concepts") or ()
        self.concepts: list[Concept] = [concept_of(one) for one in concepts]

    def dict(self) -> Json:
        """As it travels."""
        info: Json = {
            "output_config": {
                "concepts_mutually_exclusive": self.concepts_mutually_exclusive,
                "closed_environment": self.closed_environment,
            }
        }
        if self.concepts:
            info["data"] = {"concepts": [{"id": one.concept_id} for one in self.concepts]}
        model: Json = {"name": self.model_name, "output_info": info}
        if self.model_id:
            model["id"] = self.model_id
        return {"model": model}

    # -- what it is -------------------------------------------------------------------------

    def get_info(self, verbose: bool = False) -> Json:
        """What the model is; `verbose`: with its concepts."""
        if verbose:
            return self.api.get_model_output_info(self.model_id, self.model_version)
        return self.api.get_model(self.model_id, self.model_version)

    def get_concept_ids(self) -> list[str]:
        """The ids of its concepts."""
        if self.concepts:
            return [str(one.concept_id) for one in self.concepts]
        info = self.get_info(verbose=True)["model"].get("output_info") or {}
        return [one["id"] for one in (info.get("data") or {}).get("concepts") or ()]

    def list_versions(self) -> Json:
        """Its versions."""
        return self.api.get_model_versions(self.model_id)

    def get_version(self, version_id: str) -> Json:
        """One version."""
        return self.api.get_model_version(self.model_id, version_id)

    def delete_version(self, version_id: str) -> Json:
        """Delete one version."""
        return self.api.delete_model_version(self.model_id, version_id)

    def create_version(self) -> Json:
        """Teach it anew."""
        return self.api.create_model_version(self.model_id)

    def get_inputs(self, version_id: str | None = None, page: int = 1, per_page: int = 20) -> Json:
        """A page of the inputs that it was taught with."""
        return self.api.get_model_inputs(self.model_id, version_id, page, per_page)

    # -- what it predicts -------------------------------------------------------------------

    def predict(
        self, inputs: Sequence[Input], model_output_info: ModelOutputInfo | None = None
    ) -> Json:
        """What it sees in images. Nothing is stored."""
        return self.api.predict_model(self.model_id, inputs, self.model_version, model_output_info)

    def _predicted(self, one: Input, config: ModelOutputConfig) -> Json:
        return self.predict([one], ModelOutputInfo(output_config=config))

    def send_concept_feedback(
        self,
        input_id: str,
        url: str,
        concepts: Names = None,
        not_concepts: Names = None,
        feedback_info: FeedbackInfo | None = None,
    ) -> Json:
        """Say which concepts were seen rightly, and which wrongly."""
        return self.send_region_feedback(input_id, url, concepts, not_concepts, None, feedback_info)

    def send_region_feedback(
        self,
        input_id: str,
        url: str,
        concepts: Names = None,
        not_concepts: Names = None,
        regions: Sequence[Region] | None = None,
        feedback_info: FeedbackInfo | None = None,
    ) -> Json:
        """Say which regions were seen rightly, and which wrongly."""
        told = Image(
            url=url,
            image_id=input_id,
            concepts=concepts,
            not_concepts=not_concepts,
            regions=regions,
            feedback_info=feedback_info,
        )
        return self.api.send_model_feedback(self.model_id, self.model_version, told)

    # -- what it is taught ------------------------------------------------------------------

    def train(self, sync: bool = True, timeout: float = 60) -> Model | Json:
        """Teach it; `sync`: wait for the end, for `timeout` seconds at most."""
        answer = self.api.create_model_version(self.model_id)
        model = answer.get("model")
        if not sync or not model:
            return answer
        until = time.monotonic() + timeout
        while model["model_version"]["status"]["code"] in _AT_WORK and time.monotonic() < until:
            time.sleep(1)
            told = self.api.get_model_version(model["id"], model["model_version"]["id"])
            model["model_version"] = told["model_version"]
        return Model(self.api, model)

    def evaluate(self) -> Json:
        """Judge how good it is."""
        if self.model_version is None:
            raise UserError("To run model evaluation, please set the model_version field")
        return self.api.run_model_evaluation(self.model_id, self.model_version)

    def merge_concepts(self, concept_ids: Sequence[str], overwrite: bool = False) -> Model:
        """Add concepts to it, or (`overwrite`) put them in place of those it has."""
        return self.update("overwrite" if overwrite else "merge", concept_ids=concept_ids)

    def add_concepts(self, concept_ids: Sequence[str]) -> Model:
        """Add concepts to it."""
        return self.merge_concepts(concept_ids)

    def delete_concepts(self, concept_ids: Sequence[str]) -> Model:
        """Take concepts out of it."""
        return self.update("remove", concept_ids=concept_ids)

    def update(
        self,
        action: str = "merge",
        model_name: str | None = None,
        concepts_mutually_exclusive: bool | None = None,
        closed_environment: bool | None = None,
        concept_ids: Sequence[str] | None = None,
    ) -> Model:
        """Change its name, its concepts or how they exclude each other."""
        config = {
            "concepts_mutually_exclusive": concepts_mutually_exclusive,
            "closed_environment": closed_environment,
        }
        config = {key: one for key, one in config.items() if one is not None}
        info: Json = {"output_config": config} if config else {}
        if concept_ids is not None:
            info["data"] = {"concepts": [{"id": one} for one in concept_ids]}
        if not info and model_name is None:
            return self
        model: Json = {"id": self.model_id}
        if model_name:
            model["name"] = model_name
        if info:
            model["output_info"] = info
        return Model(self.api, self.api.patch_model(model, action)["models"][0])
