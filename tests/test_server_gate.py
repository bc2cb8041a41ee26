"""Who may ask: names, pages, keys."""

from __future__ import annotations

import base64
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import localsearch as ls
from localsearch.server import Keys, Settings, keys_of
from localsearch.server.hosts import Hosts, Origins, host_name
from localsearch.server.settings import check
from tests.serving import Line, Served, ask, filled, request, served

ALL = '{"query":{"ands":[]}}'
KEYS = Keys({"writer-key-1": True, "reader-key-2": False})
PAGE = "http://localhost:3000"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ls.Library]:
    with filled(tmp_path_factory.mktemp("gate") / "photos") as library:
        yield library


@pytest.fixture(scope="module")
def open_to_all(library: ls.Library) -> Iterator[Served]:
    with served(library) as found:
        yield found


@pytest.fixture(scope="module")
def locked(library: ls.Library) -> Iterator[Served]:
    settings = Settings(
        port=0,
        keys=KEYS,
        allow_origins=(PAGE, "null"),
        allow_hosts=("photos.home",),
        public_url="https://search.example/photos/",
    )
    with served(library, settings) as found:
        yield found


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost:8745", "LOCALHOST", "[::1]:80", "192.168.0.7:8745", "localhost."],
)
def test_addresses_and_this_computer_are_answered(open_to_all: Served, host: str) -> None:
    assert ask(open_to_all.port, "GET", "/v2/models", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:8745",
        "127.0.0.1.evil.test",
        "localhost.evil.test",
        "a b",
        "2130706433",
        "user@localhost",
        "localhost:8745:9",
        "api.clarifai.com",
        "[::1",
        "127.0.0.1, evil.test",
    ],
)
def test_other_names_are_refused_so_that_a_name_cannot_be_rebound(
    open_to_all: Served, host: str
) -> None:
    for method, target in (("GET", "/v2/inputs"), ("POST", "/v2/inputs"), ("GET", "/openapi.json")):
        found = ask(open_to_all.port, method, target, host=host)
        assert (found.status, found.code) in ((403, 11102), (400, 11100))
        assert "access-control-allow-origin" not in found.headers


def test_a_name_that_was_allowed_is_answered(locked: Served) -> None:
    for host in ("photos.home", "PHOTOS.HOME:99", "search.example"):
        found = ask(locked.port, "GET", "/v2/models", host=host, Authorization="Key reader-key-2")
        assert found.status == 200


def test_the_name_of_a_host() -> None:
    assert host_name("[FE80::1]:80") == "fe80::1"
    assert host_name("A.B.:80") == "a.b"
    for wrong in ("", "a/b", "a:b", "a b", "a\r\nb", "[::1", ":80"):
        assert host_name(wrong) is None
    with pytest.raises(ls.InputError):
        Hosts(["http://a"])


# -- pages -------------------------------------------------------------------------------------


def test_a_foreign_page_may_not_ask_whatever_it_asks(open_to_all: Served) -> None:
    """A form needs no leave of the browser: only its Origin tells that it is one."""
    for origin in ("https://evil.test", "null", f"http://127.0.0.1:{open_to_all.port + 1}"):
        for method in ("GET", "POST", "OPTIONS"):
            found = ask(open_to_all.port, method, "/v2/inputs", Origin=origin)
            assert (found.status, found.code) == (403, 11102)
            assert not [name for name in found.headers if name.startswith("access-control")]


def test_a_page_of_this_server_may(open_to_all: Served) -> None:
    found = ask(open_to_all.port, "POST", "/v2/searches", ALL, Origin=open_to_all.url)
    assert found.status == 200


def test_a_preflight_needs_no_key(locked: Served) -> None:
    found = ask(
        locked.port,
        "OPTIONS",
        "/v2/searches",
        Origin=PAGE,
        Access_Control_Request_Method="PATCH",
        Access_Control_Request_Headers="authorization, content-type, x-clarifai-client, x-own",
        Access_Control_Request_Private_Network="true",
    )
    assert found.status == 200 and found.code == 10000
    assert found.headers["access-control-allow-origin"] == PAGE
    allowed = found.headers["access-control-allow-headers"]
    for name in ("authorization", "content-type", "x-clarifai-client", "x-own"):
        assert name in allowed
    for method in ("GET", "POST", "PATCH", "DELETE"):
        assert method in found.headers["access-control-allow-methods"]
    assert found.headers["access-control-allow-private-network"] == "true"
    assert found.headers["vary"] == "Origin"


def test_a_named_page_can_read_answers_and_faults(locked: Served) -> None:
    for key, status in (("Key reader-key-2", 200), ("Key nobody", 401)):
        found = ask(locked.port, "GET", "/v2/models", Origin=PAGE, Authorization=key)
        assert found.status == status
        assert found.headers["access-control-allow-origin"] == PAGE
    found = ask(locked.port, "GET", "/v2/models", Origin="https://search.example")
    assert found.headers["access-control-allow-origin"] == "https://search.example"


def test_origins_are_written_as_browsers_send_them() -> None:
    for wrong in ("localhost", "http://a/b", "http://a?b", "a b", ""):
        with pytest.raises(ls.InputError):
            Origins([wrong])
    Origins(["http://a:1", "HTTPS://A/", "null", "file://", "chrome-extension://abc", "*"])


# -- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "Key writer-key-1",
        "key writer-key-1",
        "KEY   writer-key-1 ",
        "Bearer writer-key-1",
        "Key reader-key-2",
    ],
)
def test_a_key_lets_in(locked: Served, header: str) -> None:
    assert ask(locked.port, "GET", "/v2/models", Authorization=header).code == 10000
    assert ask(locked.port, "GET", "//v2/inputs/", authorization=header).code == 10000


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, 11102),
        ("", 11102),
        ("writer-key-1", 11102),
        ("Digest a=b", 11102),
        ("Key", 11102),
        ("Key wrong", 11009),
        ("Key writer-key-", 11009),
        ("Key writer-key-11", 11009),
        ("Key WRITER-KEY-1", 11009),
        ("Key writer-key-1, Key writer-key-1", 11009),
        ("Bearer wrong", 11001),
        ("Basic !!", 11102),
        ("Basic Og==", 11002),
    ],
)
def test_without_one_nothing_is_told(locked: Served, header: str | None, code: int) -> None:
    more = {} if header is None else {"Authorization": header}
    for method, target in (("GET", "/v2/models"), ("POST", "/v2/inputs"), ("GET", "/nothing")):
        found = ask(locked.port, method, target, **more)
        assert (found.status, found.code) == (401, code)
        assert "www-authenticate" in found.headers
        assert b"writer" not in found.body


def test_who_has_no_key_cannot_send_a_body(locked: Served) -> None:
    with Line(locked.port) as line:
        line.send(
            request("POST", "/v2/inputs", b"", Content_Length="200000000", Expect="100-continue")
        )
        assert line.reply().status == 401


def test_a_session_token_is_a_key(locked: Served) -> None:
    assert (
        ask(locked.port, "GET", "/v2/models", X_Clarifai_Session_Token="writer-key-1").code == 10000
    )
    assert ask(locked.port, "GET", "/v2/models", X_Clarifai_Session_Token="wrong").code == 11001


def test_a_reading_key_changes_nothing(locked: Served, library: ls.Library) -> None:
    reader = {"Authorization": "Key reader-key-2"}
    before = [one.modified_at for one in library.inputs()]
    id_ = next(library.inputs()).id
    for method, target, body in (
        ("POST", "/v2/inputs", {"inputs": [{"data": {"image": {"base64": "aGVsbG8="}}}]}),
        ("PATCH", "/v2/inputs", {"inputs": [{"id": id_, "data": {"metadata": {"a": 1}}}]}),
        ("DELETE", f"/v2/inputs/{id_}", None),
        ("DELETE", "/v2/inputs", {"delete_all": True}),
        ("POST", "/v2/concepts", {"concepts": [{"id": "new"}]}),
    ):
        found = ask(locked.port, method, target, body, **reader)
        assert (found.status, found.code) == (403, 11007), (method, target)
    assert len(ask(locked.port, "POST", "/v2/searches", ALL, **reader).json["hits"]) == 6
    assert [one.modified_at for one in library.inputs()] == before


def test_a_token_is_given_for_a_key_and_is_as_good(locked: Served) -> None:
    for pair in ("writer-key-1:", "some-app:writer-key-1"):
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        form = "grant_type=client_credentials"
        found = ask(locked.port, "POST", "/v2/token", form, Authorization=basic)
        token = found.json["access_token"]
        assert token != "writer-key-1" and found.json["token_type"] == "Bearer"
        assert ask(locked.port, "GET", "/v2/models", Authorization=f"Bearer {token}").code == 10000


def test_any_key_will_do_where_there_is_none(open_to_all: Served) -> None:
    for more in ({}, {"Authorization": "Key x"}, {"Authorization": "nonsense"}):
        assert ask(open_to_all.port, "GET", "/v2/models", **more).code == 10000


def test_the_key_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("\ufeff# ours\nalpha write\n\nbeta READ # theirs\ngamma\n", encoding="utf-8")
    keys = keys_of(file, {})
    rights = {}
    for name in ("alpha", "beta", "gamma"):
        found = keys.of({"authorization": f"Key {name}"})
        rights[name] = getattr(found, "may_write", None)
    assert rights == {"alpha": True, "beta": False, "gamma": True}
    assert keys.first == "alpha"
    assert keys_of(None, {"LOCALSEARCH_KEY": "delta read"}).first == "delta"
    assert not keys_of(None, {})


@pytest.mark.parametrize(
    "text", ["", "# none\n", "a b c\n", "secret maybe\n", "kläy\n", "a\na read\n"]
)
def test_a_wrong_key_file_is_told_without_what_stands_in_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ls.InputError) as caught:
        keys_of(file, {})
    assert "secret" not in str(caught.value) and "maybe" not in str(caught.value)
    with pytest.raises(ls.InputError):
        keys_of(tmp_path / "absent", {})


def test_keys_are_never_told(library: ls.Library, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with served(library, Settings(port=0, keys=KEYS)) as at:
        for key in ("writer-key-1", "wrong-key-9"):
            ask(at.port, "GET", "/v2/inputs", Authorization=f"Key {key}")
            ask(at.port, "POST", "/v2/inputs", "{", Authorization=f"Key {key}")
    assert "-key-" not in caplog.text
    assert "-key-" not in repr(KEYS.of({"authorization": "Key writer-key-1"}))


def test_comparing_takes_as_long_whatever_is_right() -> None:
    """A key cannot be found letter by letter by the clock: all digests are compared."""
    keys = Keys({f"{n:032d}": True for n in range(20)})
    tried = {
        "none": "x" * 32,
        "half": "0" * 16 + "x" * 16,
        "first": f"{0:032d}",
        "last": f"{19:032d}",
    }
    seconds = dict.fromkeys(tried, 1.0)
    for _ in range(300):
        for name, key in tried.items():
            began = time.perf_counter()
            for _ in range(5):
                keys.of({"authorization": f"Key {key}"})
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    assert max(seconds.values()) < 1.5 * min(seconds.values()), seconds


# -- what is not started -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        Settings(host="0.0.0.0"),
        Settings(host="::"),
        Settings(host="192.168.1.5"),
        Settings(host="photos.home"),
        Settings(host=""),
        Settings(allow_origins=("*",)),
        Settings(port=70000),
        Settings(public_url="photos.home"),
        Settings(public_url="http://a/?b"),
        Settings(tls_cert=Path("only.pem")),
        Settings(allow_hosts=("http://a/",)),
    ],
)
def test_a_server_that_would_be_open_is_not_started(settings: Settings) -> None:
    with pytest.raises(ls.InputError) as caught:
        check(settings)
    assert caught.value.hint or "go together" in caught.value.message


def test_with_keys_it_may_listen_beyond_this_computer(library: ls.Library) -> None:
    check(Settings(host="0.0.0.0", keys=KEYS, allow_origins=("*",)))
    with served(library, Settings(host="0.0.0.0", port=0, keys=KEYS)) as at:
        assert at.url.startswith("http://127.0.0.1:")
        assert ask(at.port, "GET", "/v2/models").status == 401


def test_a_taken_port_is_told(library: ls.Library, open_to_all: Served) -> None:
    with (
        pytest.raises(ls.InputError, match="cannot listen"),
        served(library, Settings(port=open_to_all.port)),
    ):
        pass


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_the_limit_of_open_files_leaves_room_for_the_library() -> None:
    from localsearch.server.listening import _file_limit

    assert 16 <= _file_limit(2048) <= 2048
