"""One server for all tests of a module: each program begins by emptying it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.served import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_pack: str) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found
