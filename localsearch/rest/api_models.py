"""Calls about models and workflows."""

from __future__ import annotations

from collections.abc import Sequence

from localsearch.rest.calls import Calls
from localsearch.rest.errors import UserError
from localsearch.rest.image import Image, Input, Video
from localsearch.rest.output_config import ModelOutputConfig, ModelOutputInfo
from localsearch.rest.wire import BATCH, Json, escaped

GENERAL = "general-v1.3"


class ModelCalls(Calls):
    """The low-level calls about models and workflows; each gives the answer's object."""

    patch_actions = ("merge", "remove", "overwrite")

    def get_models(self, page: int = 1, per_page: int = 20) -> Json:
        """A page of the models."""
        return self.get("models", {"page": page, "per_page": per_page})

    def get_model(self, model_id: str | None = None, model_version_id: str | None = None) -> Json:
        """A model."""
        return self.get(_model(model_id, model_version_id))

    def get_model_output_info(
        self, model_id: str | None = None, model_version_id: str | None = None
    ) -> Json:
        """A model with its concepts."""
        return self.get(f"{_model(model_id, model_version_id)}/output_info")

    def get_model_versions(self, model_id: str, page: int = 1, per_page: int = 20) -> Json:
        """A page of a model's versions."""
        return self.get(f"{_model(model_id)}/versions", {"page": page, "per_page": per_page})

    def get_model_version(self, model_id: str, version_id: str) -> Json:
        """A version of a model."""
        return self.get(_model(model_id, version_id))

    def delete_model_version(self, model_id: str, model_version: str) -> Json:
        """Delete a version of a model."""
        return self.delete(_model(model_id, model_version))

    def delete_model(self, model_id: str) -> Json:
        """Delete a model."""
        return self.delete(_model(model_id))

    def delete_models(self, model_ids: Sequence[str]) -> Json:
        """Delete models."""
        return self.delete("models", {"ids": list(model_ids)})

    def delete_all_models(self) -> Json:
        """Delete all models that are not public."""
        return self.delete("models", {"delete_all": True})

    def get_model_inputs(
        self, model_id: str, version_id: str | None = None, page: int = 1, per_page: int = 20
    ) -> Json:
        """A page of the inputs that a model was taught with."""
        resource = f"{_model(model_id, version_id)}/inputs"
        return self.get(resource, {"page": page, "per_page": per_page})

    def search_models(self, name: str | None = None, model_type: str | None = None) -> Json:
        """Models by name and type."""
        asked = {"name": name, "type": model_type}
        query = {key: value for key, value in asked.items() if value is not None}
        return self.post("models/searches", {"model_query": query})

    def create_model(
        self,
        model_id: str,
        model_name: str | None = None,
        concepts: Sequence[str] | None = None,
        concepts_mutually_exclusive: bool = False,
        closed_environment: bool = False,
        hyper_parameters: Json | None = None,
    ) -> Json:
        """Make a model of concepts, by their ids."""
        config: Json = {
            "concepts_mutually_exclusive": concepts_mutually_exclusive,
            "closed_environment": closed_environment,
        }
        if hyper_parameters:
            config["hyper_params"] = hyper_parameters
        info: Json = {"output_config": config}
        if concepts:
            info["data"] = {"concepts": [{"id": one} for one in concepts]}
        model = {"id": model_id, "name": model_name or model_id, "output_info": info}
        return self.post("models", {"model": model})

    def patch_model(self, model: Json, action: str = "merge") -> Json:
        """Change a model."""
        if action not in self.patch_actions:
            raise UserError("action not supported.")
        return self.patch("models", {"models": [model], "action": action})

    def create_model_version(self, model_id: str) -> Json:
        """Teach a model anew."""
        return self.post(f"{_model(model_id)}/versions")

    def run_model_evaluation(self, model_id: str, version_id: str) -> Json:
        """Judge a version of a model."""
        return self.post(f"{_model(model_id, version_id)}/metrics")

    def predict_model(
        self,
        model_id: str,
        objs: Sequence[Input],
        version_id: str | None = None,
        model_output_info: ModelOutputInfo | None = None,
    ) -> Json:
        """What a model sees in images. Nothing is stored."""
        body: Json = {"inputs": media(objs)}
        if model_output_info is not None:
            body["model"] = model_output_info.dict()
        return self.post(f"{_model(model_id, version_id)}/outputs", body)

    def predict_concepts(self, objs: Sequence[Input], lang: str | None = None) -> Json:
        """The concepts of images, by the general model."""
        info = ModelOutputInfo(output_config=ModelOutputConfig(language=lang))
        return self.predict_model(self._found(GENERAL, "concept"), objs, model_output_info=info)

    def predict_colors(self, objs: Sequence[Input]) -> Json:
        """The colours of images. Raises UserError where no model tells colours."""
        return self.predict_model(self._found("color", "color"), objs)

    def predict_embed(self, objs: Sequence[Input], model: str = GENERAL) -> Json:
        """The vectors of images."""
        return self.predict_model(self._found(model, "embed"), objs)

    def send_model_feedback(self, model_id: str, version_id: str | None, obj: Input) -> Json:
        """Say something of what a model saw."""
        return self.post(f"{_model(model_id, version_id)}/feedback", {"input": obj.dict()})

    def get_workflows(self, public_only: bool = False) -> Json:
        """The workflows."""
        return self.get("public_workflows" if public_only else "workflows")

    def get_workflow(self, workflow_id: str | None = None) -> Json:
        """A workflow."""
        return self.get(f"workflows/{escaped(workflow_id)}")

    def predict_workflow(
        self,
        workflow_id: str,
        objs: Sequence[Input],
        output_config: ModelOutputConfig | None = None,
    ) -> Json:
        """What the models of a workflow see in images."""
        body: Json = {"inputs": media(objs)}
        if output_config is not None:
            body.update(output_config.dict())
        return self.post(f"workflows/{escaped(workflow_id)}/results", body)

    def _found(self, name: str, kind: str) -> str:
        models = self.search_models(name, kind).get("models")
        if not models:
            raise UserError(f"there is no model {name!r} of the type {kind!r} here")
        return str(models[0]["id"])


def media(objs: Sequence[Input]) -> list[Json]:
    """Images as they travel. Raises UserError for what is none, or none with a picture."""
    if not isinstance(objs, list | tuple):
        raise UserError("objs must be a list")
    if len(objs) > BATCH:
        raise UserError(f"the maximum number of inputs in a batch is {BATCH}")
    for place, one in enumerate(objs):
        if not isinstance(one, Image | Video):
            raise UserError(
                f"Object at position {place} is not a valid type of content to add. "
                "Must be Image or Video"
            )
        if not one.has_media:
            raise UserError(
                f"the image at position {place} has neither URL nor bytes",
                hint="give it url=, filename=, file_obj= or base64=",
            )
    return [one.dict() for one in objs]


def _model(model_id: str | None, version_id: str | None = None) -> str:
    if not model_id:
        raise UserError("a model is named by its id")
    path = f"models/{escaped(model_id)}"
    return path if version_id is None else f"{path}/versions/{escaped(version_id)}"
