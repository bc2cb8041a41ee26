"""Each class and method of the old Python clients is here too, its arguments in the same order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.installed import python_with
from tests.clients.served import REPOSITORY

Signatures = dict[str, dict[str, list[tuple[str, str | None]]]]

# What belongs to how the old clients worked inside, or to another host that is no more.
_INSIDE = {
    "ConfigParser",
    "basestring",
    "BytesIO",
    "Enum",
    "FeedbackType",
    "GRPCJSONChannel",
    "V2Stub",
    "Struct",
    "Solutions",
    "ModelSolutions",
    "ModelSolutionsModeration",
}
# Arguments that the facade has under another meaning or not at all, with the reason.
_OTHERWISE = {
    ("Models", "__init__"),  # 2.6 hands over the solutions, which are of that host
    ("Model", "__init__"),
    ("ApiClient", "predict_embed"),  # 2.2 and 2.6 differ in the name of the model
}


def signatures(python: Path, module: str) -> Signatures:
    script = Path(__file__).parent / "tell_signatures.py"
    done = subprocess.run(
        [str(python), str(script), module],
        env={"PYTHONPATH": str(REPOSITORY), "HOME": str(REPOSITORY.parent / "nowhere")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: Signatures = json.loads(done.stdout)
    return found


def of_client(version: str) -> Signatures:
    pins = () if version == "2.2.3" else ("protobuf==3.19.6", "googleapis-common-protos==1.56.4")
    found = signatures(python_with(version, *pins), "clarifai.rest.client")
    return {
        name: kind
        for name, kind in found.items()
        if name not in _INSIDE and not name.endswith("PB")
    }


@pytest.fixture(scope="module")
def ours() -> Signatures:
    return signatures(Path(sys.executable), "localsearch.rest")


@pytest.mark.parametrize("version", ["2.2.3", "2.6.2"])
def test_arguments_stand_in_the_same_order(version: str, ours: Signatures) -> None:
    different: list[Any] = []
    for name, methods in of_client(version).items():
        if name.endswith(("Request", "Query", "_pb2", "Pagination")):
            continue  # protocol buffers
        if name not in ours:
            different.append(name)
            continue
        for method, arguments in methods.items():
            mine = ours[name].get(method)
            if (name, method) in _OTHERWISE:
                continue
            if mine is None or not _fits(arguments, mine):
                different.append((name, method, arguments, mine))
    assert not different, different


def _fits(theirs: list[tuple[str, str | None]], mine: list[tuple[str, str | None]]) -> bool:
    """Whether each of their calls is one of ours: the same names first, none wanted in addition.

    A default of theirs may be another one here only if both are defaults.
    """
    first = mine[: len(theirs)]
    if [name for name, _ in first] != [name for name, _ in theirs]:
        return False
    if any(default is None for _, default in mine[len(theirs) :]):
        return False
    pairs = zip(theirs, first, strict=True)
    return all(default is None or own is not None for (_, default), (_, own) in pairs)
