"""Packs that are fetched: from a hub on this computer, through all that goes wrong on the way."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch import packs
from localsearch.net import StreamLimits
from localsearch.pack import find
from localsearch.packs import coming, own
from localsearch.packs.coming import Patience
from localsearch.packs.pull import HUB, MIRROR, pull_pack
from tests import hub as hubs
from tests.hub import Hub
from tests.tiny_pack import make_tiny_pack

QUICK = Patience(tries=2, pause=0.01, longest=1.0, stream=StreamLimits(seconds=5.0))
BIG = "image.onnx"  # the largest file of the tiny pack


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack to publish: large enough for a line to be cut in its midst."""
    return make_tiny_pack(tmp_path_factory.mktemp("published") / "tiny", dimensions=48, classes=900)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own packs, none yet, and no others."""
    own_packs = tmp_path / "user" / "packs"
    monkeypatch.setattr(find, "pack_places", lambda: (own_packs, tmp_path / "house"))
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", MIRROR):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return own_packs


@pytest.fixture
def hub(source: Path) -> Iterator[Hub]:
    with hubs.hub() as running:
        running.hold(source)
        yield running


@pytest.fixture
def pull(place: Path, hub: Hub, source: Path, tmp_path: Path) -> Callable[..., packs.Pulled]:
    catalogue = hubs.catalogue(tmp_path / "catalogue.toml", source, hub.base)

    def pulled(**more: Any) -> packs.Pulled:
        return pull_pack("tiny", **{"catalogue": catalogue, "patience": QUICK, **more})

    return pulled


def same(folder: Path, source: Path) -> bool:
    names = sorted(one.name for one in folder.iterdir())
    return names == sorted(one.name for one in source.iterdir()) and all(
        (folder / name).read_bytes() == (source / name).read_bytes() for name in names
    )


def left(place: Path) -> list[str]:
    """What lies in the user's packs, but for locks."""
    found = [one for one in place.rglob("*") if one.is_file() and one.suffix != ".lock"]
    return sorted(one.relative_to(place).as_posix() for one in found)


def test_a_pack_comes_whole_and_can_be_used(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    told: list[ls.Progress] = []
    done = pull(progress=told.append)
    assert same(place / "tiny", source)
    assert left(place) == sorted(f"tiny/{one.name}" for one in source.iterdir())
    assert done.pack.name == "tiny" and not done.already
    assert done.fetched == hub.sent == sum(one.stat().st_size for one in source.iterdir())
    assert packs.verify_pack("tiny").folder == place / "tiny"
    assert {one.stage for one in told} == {"download"}
    assert told[0].total == hub.sent and max(one.done for one in told) <= hub.sent
    again = pull()
    assert again.already and again.fetched == 0
    assert all("cookie" not in headers for _, headers in hub.asked)


def test_nothing_is_asked_before_it_was_agreed(
    pull: Callable[..., packs.Pulled], place: Path, hub: Hub
) -> None:
    heard: list[tuple[str, int]] = []

    def refuse(entry: packs.Entry, missing: int) -> None:
        heard.append((entry.licence, missing))
        raise ls.Cancelled("no")

    with pytest.raises(ls.Cancelled):
        pull(before=refuse)
    assert heard == [("CC0-1.0", sum(map(len, hub.files.values())))]
    assert hub.asked == [] and not place.exists()


def test_a_line_that_was_cut_is_taken_up_where_it_ended(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    half = len(hub.files[BIG]) // 2
    names = sorted(hub.files)
    hub.faults = [hubs._whole] * names.index(BIG) + [hubs.cut(half)]
    pull()
    assert same(place / "tiny", source)
    first, second = hub.requests(BIG)
    assert "range" not in first
    assert second["range"] == f"bytes={half}-"
    assert second["if-range"] == hubs.tag(hub.files[BIG])
    assert hub.sent == sum(map(len, hub.files.values()))


def test_a_later_pull_goes_on_where_the_first_ended(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    before = sorted(hub.files).index(BIG)
    hub.faults = [hubs._whole] * before + [hubs.cut(1000)] + [hubs.cut(0)] * 9
    with pytest.raises(ls.PackUnreachable, match="ended after 1,000 of") as caught:
        pull()
    assert "run it again" in caught.value.hint
    assert find.available_packs() == []  # what is coming is no pack
    assert not (place / "tiny").exists()
    hub.faults, hub.asked, sent = [], [], hub.sent
    heard: list[int] = []
    done = pull(before=lambda entry, missing: heard.append(missing))
    assert same(place / "tiny", source)
    assert hub.requests(BIG)[0]["range"] == "bytes=1000-"
    total = sum(map(len, hub.files.values()))
    assert heard == [done.fetched] == [total - sent] == [hub.sent - sent]


def test_a_host_that_knows_no_ranges_is_asked_for_all(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    hub.ranges = False
    hub.faults = [hubs._whole] * sorted(hub.files).index(BIG) + [hubs.cut(5000)]
    pull()
    assert same(place / "tiny", source)
    assert hub.requests(BIG)[1]["range"] == "bytes=5000-"


def test_a_host_without_ranges_that_always_cuts_ends_it(
    pull: Callable[..., packs.Pulled], hub: Hub
) -> None:
    """Never for ever: coming as far as before is no progress."""
    hub.ranges = False
    hub.faults = [hubs._whole] * sorted(hub.files).index(BIG) + [hubs.cut(70_000)] * 99
    with pytest.raises(ls.PackUnreachable):
        pull()
    assert len(hub.requests(BIG)) <= 2 + QUICK.tries


def test_a_file_that_changed_meanwhile_is_not_mixed(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    """The first half is of another file; its tag says so when the rest is asked for."""
    other = bytes(len(hub.files[BIG]))

    def half_of_another(handler: hubs.Handler, body: bytes) -> None:
        hubs.cut(9000)(handler, other)

    hub.faults = [hubs._whole] * sorted(hub.files).index(BIG) + [half_of_another]
    pull()
    assert same(place / "tiny", source)
    assert hub.requests(BIG)[1]["if-range"] == hubs.tag(other)
    assert len(hub.requests(BIG)) == 2


def test_without_tags_a_mixed_file_is_found_and_fetched_anew(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    hub.tags = False
    before = sorted(hub.files).index(BIG)
    other = bytes(len(hub.files[BIG]))
    hub.faults = [hubs._whole] * before
    hub.faults += [lambda handler, body: hubs.cut(9000)(handler, other)] + [hubs.cut(0)] * 9
    with pytest.raises(ls.PackUnreachable):
        pull()
    hub.faults, hub.asked = [], []
    pull()
    assert same(place / "tiny", source)
    assert [one.get("range") for one in hub.requests(BIG)] == ["bytes=9000-", None]


def test_a_wrong_digest_is_told_with_both_and_nothing_is_installed(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    good = hub.files[BIG]
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 1
    hub.files[BIG] = bytes(bad)
    with pytest.raises(ls.PackDamaged) as caught:
        pull()
    assert hashlib.sha256(good).hexdigest() in caught.value.message
    assert hashlib.sha256(bad).hexdigest() in caught.value.message
    assert not (place / "tiny").exists()
    assert [one for one in left(place) if BIG in one] == []
    hub.files[BIG] = good
    pull()
    assert same(place / "tiny", source)


@pytest.mark.parametrize("fault", [hubs.instead(b"short"), hubs.endless])
def test_a_file_of_another_length_is_refused_early(
    fault: hubs.Fault, pull: Callable[..., packs.Pulled], place: Path, hub: Hub
) -> None:
    hub.faults = [fault]
    with pytest.raises(ls.PackDamaged, match="the catalogue says"):
        pull()
    assert not (place / "tiny").exists()


@pytest.mark.parametrize(
    ("fault", "told", "hint"),
    [
        (hubs.status(401), "401.*login", "packs add"),
        (hubs.status(403), "403.*login", "packs add"),
        (hubs.status(404), "404.*no longer", "update localsearch"),
        (hubs.status(418), "418", ""),
        (hubs.status(200, Content_Encoding="gzip"), "compressed", ""),
        (hubs.status(206, Content_Range="bytes 5-9/10"), "not asked for", ""),
    ],
)
def test_what_another_try_cannot_mend_is_told_at_once(
    fault: hubs.Fault, told: str, hint: str, pull: Callable[..., packs.Pulled], hub: Hub
) -> None:
    hub.faults = [fault]
    with pytest.raises(ls.PackUnreachable, match=told) as caught:
        pull()
    assert hint in caught.value.hint
    assert len(hub.asked) == 2


def test_a_host_that_is_busy_is_asked_again(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    hub.faults = [hubs.status(503, Retry_After="0"), hubs.status(429)]
    pull()
    assert same(place / "tiny", source)
    shutil.rmtree(place)
    hub.faults = [hubs.status(503, Retry_After="3600")]
    with pytest.raises(ls.PackUnreachable, match="503"):
        pull()


def test_a_part_longer_than_the_file_is_forgotten(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    digest = packs.show_pack(source).pack_digest
    folder = own.coming_folder("tiny", digest[:16])
    (folder / f"{BIG}.part").write_bytes(bytes(len(hub.files[BIG]) + 1))
    (folder / "concepts.tsv").write_bytes(b"of a crash")
    pull()
    assert same(place / "tiny", source)


def test_a_part_whose_rest_the_host_does_not_have_is_fetched_anew(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    hub.faults = [hubs._whole] * sorted(hub.files).index(BIG) + [hubs.cut(7000), hubs.status(416)]
    pull()
    assert same(place / "tiny", source)
    assert [one.get("range") for one in hub.requests(BIG)] == [None, "bytes=7000-", None]


def test_a_part_of_another_release_is_never_continued(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub, tmp_path: Path
) -> None:
    newer = make_tiny_pack(tmp_path / "newer", dimensions=48, classes=900, seed=5, version=2)
    catalogue = hubs.catalogue(tmp_path / "newer.toml", newer, hub.base)
    hub.hold(newer)
    hub.faults = [hubs._whole] * sorted(hub.files).index(BIG) + [hubs.cut(1000)] + [hubs.cut(0)] * 9
    with pytest.raises(ls.PackUnreachable):
        pull(catalogue=catalogue)
    hub.hold(source)
    hub.faults, hub.asked = [], []
    pull()
    assert same(place / "tiny", source)
    assert "range" not in hub.requests(BIG)[0]
    assert not [one for one in left(place) if ".coming" in one]


def test_another_pack_of_that_name_stays_unless_it_is_said(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub, tmp_path: Path
) -> None:
    pull()
    newer = make_tiny_pack(tmp_path / "newer", dimensions=48, classes=900, seed=5, version=2)
    catalogue = hubs.catalogue(tmp_path / "newer.toml", newer, hub.base)
    hub.hold(newer)
    with pytest.raises(ls.PackError, match="another pack is called tiny") as caught:
        pull(catalogue=catalogue)
    assert "--replace" in caught.value.hint
    assert same(place / "tiny", source)
    assert pull(catalogue=catalogue, replace=True).pack.version == 2
    assert same(place / "tiny", newer)
    assert not [one for one in left(place) if one.startswith(".")]


def test_a_damaged_pack_is_mended_by_a_pull(
    pull: Callable[..., packs.Pulled], place: Path, source: Path
) -> None:
    pull()
    (place / "tiny" / "concepts.tsv").write_bytes(b"")
    assert not pull().already
    assert same(place / "tiny", source)


def test_redirects_without_end_are_given_up(pull: Callable[..., packs.Pulled], hub: Hub) -> None:
    hub.redirect = lambda name: f"{hubs.REPOSITORY}/{name}"
    with pytest.raises(ls.PackUnreachable, match="without end"):
        pull()
    assert len(hub.asked) < 15


def test_a_redirect_leads_to_nobody_by_http_who_was_not_named(
    pull: Callable[..., packs.Pulled], hub: Hub
) -> None:
    port = hub.url.rpartition(":")[2]
    hub.redirect = lambda name: f"http://localhost:{port}/cdn/{name}"
    with pytest.raises(ls.PackUnreachable, match="localhost is asked by http"):
        pull()
    hub.redirect = lambda name: "file:///etc/passwd"
    with pytest.raises(ls.InputError):
        pull()


def test_a_slow_host_is_left_and_what_came_is_kept(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    short = Patience(tries=0, stream=StreamLimits(seconds=0.8, least_bytes=1000))
    for fault, told in (
        (hubs.trickle(0.05), "fewer than 1,000 bytes"),
        (hubs.silent(2), "nothing"),
    ):
        hub.faults = [fault]
        with pytest.raises(ls.PackUnreachable, match=f"{told} came within 0.8 s"):
            pull(patience=short)
    pull()
    assert same(place / "tiny", source)


def test_a_stop_ends_it_soon_and_keeps_what_came(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub
) -> None:
    stop = threading.Event()

    def stops(handler: hubs.Handler, body: bytes) -> None:
        stop.set()
        hubs.silent(3)(handler, body)

    hub.faults = [hubs._whole, stops]
    began = time.monotonic()
    with pytest.raises(ls.Cancelled):
        pull(stop=stop)
    assert time.monotonic() - began < 2.5
    kept = [one for one in left(place) if not one.endswith(".lock")]
    assert len(kept) == 1 and kept[0].startswith(".coming/")
    hub.asked = []
    pull()
    assert same(place / "tiny", source)
    assert not [path for path, _ in hub.asked if kept[0].rpartition("/")[2] in path]


def test_a_stop_while_it_waits_for_another_try(pull: Callable[..., packs.Pulled], hub: Hub) -> None:
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)

    def busy(handler: hubs.Handler, body: bytes) -> None:
        hubs.status(503)(handler, body)
        timer.start()

    hub.faults = [busy]
    began = time.monotonic()
    with pytest.raises(ls.Cancelled):
        pull(stop=stop, patience=Patience(tries=3, pause=20.0))
    assert time.monotonic() - began < 10
    timer.join()


def test_two_pulls_at_once_are_one(
    pull: Callable[..., packs.Pulled], place: Path, hub: Hub
) -> None:
    with own.changing("tiny", "pulling the pack tiny"), pytest.raises(ls.LibraryBusy) as caught:
        pull()
    assert "pulling the pack tiny" in caught.value.message
    assert caught.value.pid == os.getpid()
    pull()


def test_a_disk_without_room_is_told_before_anything_is_asked(
    pull: Callable[..., packs.Pulled], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localsearch.packs.standing.free_bytes", lambda path: 1000)
    with pytest.raises(ls.LibraryFull, match="bytes more"):
        pull()
    assert hub.asked == []


def mounted(place: Path, options: str) -> bool:
    """Whether a small file system lies at `place` now."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mount"):
        return False
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_a_disk_that_fills_on_the_way_keeps_what_came(
    pull: Callable[..., packs.Pulled],
    place: Path,
    source: Path,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place.mkdir(parents=True)
    if not mounted(place, "size=96k"):
        pytest.skip("a small file system can only be mounted by root on Linux")
    try:
        monkeypatch.setattr("localsearch.packs.standing.free_bytes", lambda path: 2**40)
        assert len(hub.files[BIG]) > 96 << 10
        with pytest.raises(ls.LibraryFull, match=BIG):
            pull()
        kept = (place / ".coming").rglob(f"{BIG}.part")
        came = next(kept).stat().st_size
        assert 0 < came < len(hub.files[BIG])
        assert mounted(place, "remount,size=9m")
        hub.asked = []
        pull()
        assert same(place / "tiny", source)
        assert hub.requests(BIG)[0]["range"] == f"bytes={came}-"
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_host_that_is_not_there_is_told(
    pull: Callable[..., packs.Pulled], source: Path, tmp_path: Path
) -> None:
    nowhere = hubs.catalogue(tmp_path / "nowhere.toml", source, "https://hub.invalid/a")
    with pytest.raises(ls.PackUnreachable) as caught:
        pull(catalogue=nowhere, patience=Patience(tries=9, pause=30))
    assert (
        caught.value.offline and "offline" in caught.value.hint and "packs add" in caught.value.hint
    )


def test_a_catalogue_that_is_wrong_about_a_pack_installs_nothing(
    pull: Callable[..., packs.Pulled], place: Path, source: Path, hub: Hub, tmp_path: Path
) -> None:
    wrong = hubs.catalogue(tmp_path / "wrong.toml", source, hub.base, pack_digest="0" * 64)
    with pytest.raises(ls.PackDamaged, match="has the digest"):
        pull(catalogue=wrong)
    assert left(place) == []
    other = hubs.catalogue(tmp_path / "other.toml", source, hub.base, name="other")
    with pytest.raises(ls.PackDamaged, match="is called tiny, expected other"):
        pull_pack("other", catalogue=other, patience=QUICK)
    assert find.available_packs() == []


def test_a_mirror_stands_for_the_hub(
    place: Path, hub: Hub, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = hubs.catalogue(tmp_path / "hub.toml", source, HUB + hubs.REPOSITORY)
    monkeypatch.setenv(MIRROR, hub.url + "/")
    pull_pack("tiny", catalogue=catalogue, patience=QUICK)
    assert same(place / "tiny", source)
    monkeypatch.setenv(MIRROR, "mirror.example")
    with pytest.raises(ls.InputError, match="LOCALSEARCH_HUB"):
        pull_pack("tiny", catalogue=catalogue, patience=QUICK)


def test_a_crash_between_two_names_is_healed_by_the_next_change(
    pull: Callable[..., packs.Pulled], place: Path, source: Path
) -> None:
    pull()
    going = place / ".going"
    going.mkdir(exist_ok=True)
    (place / "tiny").rename(going / "tiny")
    with own.changing("tiny", "looking"):
        assert same(place / "tiny", source)
    shutil.copytree(place / "tiny", going / "tiny")
    with own.changing("tiny", "looking"):
        assert not (going / "tiny").exists()


def test_the_patience_for_a_hub_is_bounded() -> None:
    assert coming.Patience().longest == 60
