"""cURL lines as the old documentation prints them, run by a shell; only the host is another."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.raw import check
from tests.clients.served import Served, serving

OLD_HOST = "https://api.clarifai.com"

BY_URL = r"""
curl -X POST \
  -H "Authorization: Key YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '
  {
    "inputs": [
      { "data": { "image": { "url": "https://samples.clarifai.com/red.jpg" } } },
      { "data": { "image": { "url": "https://samples.clarifai.com/wedding.jpg" } } }
    ]
  }'\
  https://api.clarifai.com/v2/inputs
"""
# `base64` wraps its lines, and they stand inside a text of the JSON.
BY_BYTES = r"""
curl -X POST \
  -H "Authorization: Key YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '
  {
    "inputs": [
      { "data": { "image": { "base64": "'"$(base64 filename_on_local_disk.jpg)"'" } } }
    ]
  }'\
  https://api.clarifai.com/v2/inputs
"""
# And so the page on inputs prints it: a quotation mark is missing.
BY_BYTES_MISPRINTED = r"""
curl -X POST \
  -H "Authorization: Key YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '
  {
    "inputs": [
      {
        "data": {
          "image": {
            "base64": '"`base64 filename_on_local_disk.jpg`"'"
          }
        }
      }
    ]
  }'\
  https://api.clarifai.com/v2/inputs
"""
FULL = r"""
curl -X POST \
  -H "Authorization: Key YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '
  {
    "inputs": [
      {
        "data": {
          "image": {
            "url": "https://samples.clarifai.com/green.jpg",
            "allow_duplicate_url": true
          },
          "concepts": [ { "id": "boscoe", "value": true } ],
          "metadata": { "key": "value", "list": [1, 2, 3] },
          "geo": { "geo_point": { "longitude": -30, "latitude": 40 } }
        },
        "id": "full"
      }
    ]
  }'\
  https://api.clarifai.com/v2/inputs
"""


def searching(clause: str) -> str:
    return (
        "curl -X POST -H 'authorization: Key YOUR_API_KEY' -H 'content-type: application/json' "
        rf"""-d '{{ "query": {{ "ands": [ {clause} ] }} }}' {OLD_HOST}/v2/searches"""
    )


@pytest.fixture(scope="module", autouse=True)
def _curl() -> None:
    if shutil.which("curl") is None or shutil.which("base64") is None:
        pytest.skip("curl and base64 are not installed")


def run(served: Served, line: str, *before: tuple[str, str]) -> dict[str, Any]:
    """The answer to a line; `before`: what is written otherwise than printed."""
    for old, new in (*before, (OLD_HOST, served.url)):
        line = line.replace(old, new)
    told = line.strip() + " -s -w '\\n%{http_code} %{content_type}'"
    done = subprocess.run(
        ["sh", "-c", told],
        cwd=served.folder,
        env=served.environment(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    body, _, last = done.stdout.rpartition(b"\n")
    http, content_type = last.decode().split(" ", 1)
    return check(int(http), content_type, body)


@pytest.fixture(autouse=True)
def _empty(served: Served) -> None:
    line = rf"""curl -X DELETE -H "Authorization: Key YOUR_API_KEY" \
      -d '{{ "delete_all": true }}' {OLD_HOST}/v2/inputs"""
    run(served, line)


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["input"]["id"] for one in answer["hits"]]


def test_adding(served: Served) -> None:
    added = run(served, BY_URL)["inputs"]
    assert [one["status"]["code"] for one in added] == [30000, 30000]
    listed = run(served, f'curl -X GET -H "Authorization: Key YOUR_API_KEY" {OLD_HOST}/v2/inputs')
    assert [one["id"] for one in listed["inputs"]] == [one["id"] for one in added]


@pytest.mark.parametrize("line", [BY_BYTES, BY_BYTES_MISPRINTED], ids=["right", "misprinted"])
def test_adding_bytes_with_line_ends_in_them(served: Served, line: str) -> None:
    (added,) = run(served, line)["inputs"]
    assert added["status"]["code"] == 30000


def test_searching(served: Served) -> None:
    run(served, BY_URL)
    run(served, FULL)
    red = '{ "output": { "data": { "concepts": [ { "name": "red" } ] } } }'
    assert run(served, searching(red))["hits"][0]["input"]["data"]["image"]["url"].endswith(
        "red.jpg"
    )
    picture = '{ "image": { "url": "https://samples.clarifai.com/green.jpg" } }'
    like = f'{{ "output": {{ "input": {{ "data": {picture} }} }} }}'
    assert ids(run(served, searching(like)))[0] == "full"
    for data in (
        picture,
        '{ "concepts": [ { "id": "boscoe" } ] }',
        '{ "metadata": { "key": "value" } }',
        '{ "geo": { "geo_point": { "longitude": -30, "latitude": 40 }, '
        '"geo_limit": { "type": "withinKilometers", "value": 1 } } }',
        '{ "geo": { "geo_box": [ { "geo_point": { "latitude": 35, "longitude": -25 } }, '
        '{ "geo_point": { "latitude": 50, "longitude": -35 } } ] } }',
    ):
        assert ids(run(served, searching(f'{{ "input": {{ "data": {data} }} }}'))) == ["full"]


def test_changing_and_deleting(served: Served) -> None:
    run(served, FULL)
    for action, left in (("merge", {"boscoe", "tree"}), ("remove", {"boscoe"})):
        line = rf"""curl -X PATCH -H "Authorization: Key YOUR_API_KEY" \
          -d '{{ "inputs": [ {{ "id": "full", "data": {{ "concepts": [ {{ "id": "tree" }} ] }} }} ],
                 "action": "{action}" }}' {OLD_HOST}/v2/inputs/"""
        (changed,) = run(served, line)["inputs"]
        assert {one["id"] for one in changed["data"]["concepts"]} == left
    line = f'curl -X DELETE -H "Authorization: Key YOUR_API_KEY" {OLD_HOST}/v2/inputs/full'
    assert run(served, line)["status"]["code"] == 10000


def test_a_body_without_a_content_type_and_a_large_one(served: Served) -> None:
    key = '-H "Authorization: Key YOUR_API_KEY"'
    line = f"curl -X POST {key} -d @large.json {OLD_HOST}/v2/inputs"
    picture = {"data": {"image": {"url": "https://samples.clarifai.com/red.jpg"}}}
    large = {"inputs": [picture], "filling": "x" * 3_000_000}  # curl asks first: 100-continue
    (served.folder / "large.json").write_text(json.dumps(large), encoding="utf-8")
    assert run(served, line)["inputs"][0]["status"]["code"] == 30000


# ------------------------------------------------------------------ the name of old, by TLS


@pytest.fixture(scope="module")
def by_tls(
    tmp_path_factory: pytest.TempPathFactory, tiny_pack: str
) -> Iterator[tuple[Served, Path]]:
    """A server that answers under the old name, and the certificate of its private authority."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    names = ("ca.key", "ca.pem", "server.key", "server.csr", "server.pem", "names.txt")
    ca_key, ca, key, request, certificate, subject = (str(folder / name) for name in names)
    Path(subject).write_text("subjectAltName=DNS:api.clarifai.com", encoding="ascii")
    for words in (
        f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mine -keyout {ca_key} -out {ca}",
        f"req -newkey rsa:2048 -nodes -subj /CN=api.clarifai.com -keyout {key} -out {request}",
        f"x509 -req -in {request} -CA {ca} -CAkey {ca_key} -CAcreateserial -days 2 "
        f"-extfile {subject} -out {certificate}",
    ):
        subprocess.run([openssl, *words.split()], check=True, capture_output=True)
    options = ("--tls-cert", certificate, "--tls-key", key, "--allow-host", "api.clarifai.com")
    with serving(folder, *options) as found:
        yield found, Path(ca)


def test_a_line_with_its_url_unchanged(by_tls: tuple[Served, Path]) -> None:
    served, ca = by_tls
    port = served.url.rpartition(":")[2]
    there = f"curl --connect-to api.clarifai.com:443:127.0.0.1:{port} --cacert {ca} -X"
    unchanged = (OLD_HOST, OLD_HOST.replace("api.", "API."))  # names of hosts know no capitals
    (first, _) = run(served, BY_URL, ("curl -X", there), unchanged)["inputs"]
    assert first["data"]["image"]["url"] == "https://samples.clarifai.com/red.jpg"
