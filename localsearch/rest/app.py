"""`ClarifaiApp`: the door of the old client, to a library on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsearch.rest.api import ApiClient
from localsearch.rest.api_models import GENERAL
from localsearch.rest.concepts import Concepts
from localsearch.rest.errors import UserError
from localsearch.rest.image import Image
from localsearch.rest.inputs import Inputs
from localsearch.rest.model import Model
from localsearch.rest.models import Models, PublicModels
from localsearch.rest.opening import UrlMap
from localsearch.rest.status import ApiStatus
from localsearch.rest.wire import BATCH, Json
from localsearch.rest.workflows import Workflows

if TYPE_CHECKING:
    from localsearch import Library

_PAUSE_S = 0.2  # between two looks at a change that goes on


class Auth:
    """`app.auth` of the 2.2 client. Nothing here needs a token."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api

    def get_token(self) -> str | None:
        """A token, as the service of old gave."""
        return self.api.get_token()


class ClarifaiApp:
    """Images, concepts and models by the old names, over a library in this process.

    `library`: a path or an open Library; else `LOCALSEARCH_LIBRARY`, the nearest store, or one in
    this user's data folder. `base_url` (or `CLARIFAI_API_BASE`) talks to a server in its place.
    `url_map`: URL prefix -> folder where the pictures of such URLs lie; else the lines
    URL_PREFIX=FOLDER of `LOCALSEARCH_URL_MAP`. Other URLs are fetched only with `allow_urls`.
    Keys are not needed here.
    """

    def __init__(
        self,
        app_id: str | None = None,
        app_secret: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        quiet: bool = True,
        log_level: int | None = None,
        library: Library | str | Path | None = None,
        url_map: UrlMap = None,
        allow_urls: bool = False,
    ) -> None:
        self.api = ApiClient(
            app_id, app_secret, base_url, api_key, quiet, log_level, library, url_map, allow_urls
        )
        self.auth = Auth(self.api)
        self.public_models = PublicModels(self.api)
        self.concepts = Concepts(self.api)
        self.inputs = Inputs(self.api)
        self.models = Models(self.api)
        self.workflows = Workflows(self.api)

    @property
    def library(self) -> Library:
        """The library itself: the way out of the old API. Raises UserError for a server."""
        if self.api.library is None:
            raise UserError(
                f"this app talks to {self.api.base_url}: it holds no library",
                hint="ClarifaiApp(library=FOLDER)",
            )
        return self.api.library

    @property
    def solutions(self) -> Any:
        """The moderation service of the 2.6 client, which is not offered here: UserError."""
        raise UserError("solutions are not offered here")

    def delete(self, input_id: str | Sequence[str]) -> ApiStatus:
        """Delete an image, or a list of them: the old documentation shows it here too."""
        return self.inputs.delete(input_id)

    def tag_urls(
        self, urls: Sequence[str], model_name: str = GENERAL, model_id: str | None = None
    ) -> Json:
        """The concepts of images at URLs, 128 at most."""
        _check_batch(urls, "urls must be a list of string urls")
        return self._model(model_name, model_id).predict([Image(url=one) for one in urls])

    def tag_files(
        self, files: Sequence[str], model_name: str = GENERAL, model_id: str | None = None
    ) -> Json:
        """The concepts of images in files, 128 at most."""
        _check_batch(files, "files must be a list of string file names")
        return self._model(model_name, model_id).predict([Image(filename=one) for one in files])

    def wait_until_inputs_delete_finish(self) -> None:
        """Wait until no input is left."""
        while self.inputs.get_by_page():
            time.sleep(_PAUSE_S)

    def wait_until_inputs_upload_finish(self, max_wait: float = 666666) -> None:
        """Wait until all inputs are indexed, for `max_wait` seconds at most."""
        until = time.monotonic() + max_wait
        while self.inputs.check_status().to_process and time.monotonic() < until:
            time.sleep(_PAUSE_S)

    def wait_until_models_delete_finish(self) -> None:
        """Wait until no model of one's own is left."""
        while any(self.models.get_all(private_only=True)):
            time.sleep(_PAUSE_S)

    def _model(self, name: str, model_id: str | None) -> Model:
        return self.models.get(name, model_id=model_id)


def _check_batch(names: Any, told: str) -> None:
    if not isinstance(names, list | tuple) or not all(isinstance(one, str | Path) for one in names):
        raise UserError(told)
    if len(names) > BATCH:
        raise UserError(f"max batch size is {BATCH}")
