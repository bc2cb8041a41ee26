"""`app.workflows`: kept so that old programs run; a library here has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localsearch.rest.api import ApiClient
from localsearch.rest.image import Input
from localsearch.rest.output_config import ModelOutputConfig
from localsearch.rest.predicting import Predicting
from localsearch.rest.wire import Json


class WorkflowNode:
    """A model of a workflow."""

    def __init__(self, wf_node: Json) -> None:
        self.node_id = wf_node["id"]
        self.model_id = wf_node["model"]["id"]
        self.model_version_id = wf_node["model"]["model_version"]["id"]

    def dict(self) -> Json:
        """As it travels."""
        version = {"id": self.model_version_id}
        return {"id": self.node_id, "model": {"id": self.model_id, "model_version": version}}


class Workflow(Predicting):
    """Several models that look at the same image."""

    def __init__(
        self, api: ApiClient, workflow: Json | None = None, workflow_id: str | None = None
    ) -> None:
        self.api = api
        self.wf_id = workflow["id"] if workflow is not None else workflow_id
        nodes = (workflow or {}).get("nodes") or ()
        self.nodes = [WorkflowNode(one) for one in nodes]

    def dict(self) -> Json:
        """As it travels."""
        told: Json = {"id": self.wf_id}
        if self.nodes:
            told["nodes"] = [one.dict() for one in self.nodes]
        return told

    def predict(
        self, inputs: Sequence[Input], output_config: ModelOutputConfig | None = None
    ) -> Json:
        """What its models see in images."""
        return self.api.predict_workflow(str(self.wf_id), inputs, output_config)

    def _predicted(self, one: Input, config: ModelOutputConfig) -> Json:
        return self.predict([one], config)


class Workflows:
    """The workflows of a library."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api

    def get_all(self, public_only: bool = False) -> Iterator[Workflow]:
        """All workflows."""
        yield from self.get_by_page(public_only)

    def get_by_page(
        self, public_only: bool = False, page: int = 1, per_page: int = 20
    ) -> list[Workflow]:
        """The workflows; there are too few for pages."""
        found = self.api.get_workflows(public_only).get("workflows") or ()
        return [Workflow(self.api, one) for one in found]

    def get(self, workflow_id: str) -> Workflow:
        """A workflow by its id. Raises ApiError if there is none."""
        return Workflow(self.api, self.api.get_workflow(workflow_id)["workflow"])
