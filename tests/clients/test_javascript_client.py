"""The JavaScript client, run by node, against a live server."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.clients.installed import node_with
from tests.clients.served import Served

PROGRAMS = Path(__file__).parent / "javascript_programs" / "programs.js"


def test_javascript_2_9(served: Served) -> None:
    node, client = node_with("2.9.1")
    done = subprocess.run(
        [str(node), str(PROGRAMS), str(client)],
        cwd=served.folder,
        env=served.environment(API_ENDPOINT=served.url),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
