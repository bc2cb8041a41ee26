"""Duplicates: near prints as all pairs say, pictures told apart, groups, the command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

import localsearch as ls
from localsearch.cli import main
from localsearch.duplicates import candidates, near
from localsearch.duplicates.compare import likeness, turn_between
from localsearch.duplicates.groups import groups_around_best
from localsearch.records import Progress
from localsearch.sources.fingerprint import distance, fingerprint
from localsearch.sources.miniature import miniature
from localsearch.sources.turns import TURNS, UPRIGHT, Turn, turned_pixels, turned_prints
from tests.make_library import open_library, settle
from tests.make_pictures import encoded, exif_block
from tests.shared import needs_shared, shared

Array = np.ndarray[Any, Any]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(ls.__file__).parents[1])}


# ---------------------------------------------------------------- pictures


def view(seed: int, width: int = 400, height: int = 300, shift: int = 0) -> Image.Image:
    """A picture with large forms, edges and fine grain. `shift`: the same scene, seen from so many
    pixels to the right, with something that has moved: the next photo of a burst.
    """
    rng = np.random.default_rng(seed)
    wide = width + 64
    layers = [(5, 90.0), (12, 50.0), (40, 30.0)]
    pixels = np.full((height, wide, 3), 128.0)
    for cells, strength in layers:
        field = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        for channel in range(3):
            one = Image.fromarray(field[:, :, channel]).resize((wide, height), 3)
            pixels[:, :, channel] += strength * np.asarray(one)
    pixels += rng.normal(0, 12, pixels.shape)
    for _ in range(8):
        x, y = int(rng.integers(0, wide - 40)), int(rng.integers(0, height - 40))
        pixels[y : y + 40, x : x + 25] = rng.uniform(0, 255, 3)
    cut = np.clip(pixels[:, shift : shift + width], 0, 255).astype(np.uint8)
    if shift:
        cut[height // 3 : height // 2, width // 3 + shift : width // 2 + shift] = (220, 40, 40)
    return Image.fromarray(cut)


def jpeg(image: Image.Image, quality: int = 92, **more: Any) -> bytes:
    return encoded(image, "JPEG", quality=quality, **more)


VARIANTS: dict[str, tuple[Callable[[Image.Image], bytes], str]] = {
    "quality": (lambda one: jpeg(one, 30), "none"),
    "half": (lambda one: jpeg(one.resize((one.width // 2, one.height // 2), 3), 80), "none"),
    "square": (lambda one: jpeg(one.resize((220, 220), 3)), "none"),
    "brighter": (lambda one: jpeg(ImageEnhance.Brightness(one).enhance(1.1)), "none"),
    "webp": (lambda one: encoded(one, "WEBP", quality=60), "none"),
    "mirrored": (lambda one: jpeg(one.transpose(Image.Transpose(0))), "mirrored"),
    "flipped": (lambda one: jpeg(one.transpose(Image.Transpose(1))), "flipped"),
    "rotated-90": (lambda one: jpeg(one.transpose(Image.Transpose(4))), "rotated-90"),
    "rotated-180": (lambda one: jpeg(one.transpose(Image.Transpose(3))), "rotated-180"),
    "rotated-270": (lambda one: jpeg(one.transpose(Image.Transpose(2)), 60), "rotated-270"),
    "transposed": (lambda one: jpeg(one.transpose(Image.Transpose(5))), "transposed"),
    "transversed": (lambda one: jpeg(one.transpose(Image.Transpose(6))), "transversed"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_copy_is_told_with_its_turn(name: str) -> None:
    make, turn = VARIANTS[name]
    for seed in range(4):
        first = jpeg(view(seed))
        found = turn_between(miniature(first), miniature(make(view(seed))))
        assert found is not None, seed
        assert found.name == turn, seed


def test_photos_of_a_burst_and_others_are_no_copies() -> None:
    for seed in range(6):
        first = miniature(jpeg(view(seed)))
        for shift in (4, 8, 16, 40):
            assert turn_between(first, miniature(jpeg(view(seed, shift=shift)))) is None, shift
        assert turn_between(first, miniature(jpeg(view(seed + 100)))) is None


def test_pages_of_text_are_told_apart() -> None:
    def page(seed: int) -> Image.Image:
        rng = np.random.default_rng(seed)
        pixels = np.full((1000, 700, 3), 250, np.uint8)
        for top in range(80, 920, 26):
            left = 70
            while left < 600:
                wide = int(rng.integers(12, 80))
                pixels[top : top + 13, left : min(left + wide, 630) : 2] = 30
                left += wide + 9
        return Image.fromarray(pixels)

    first = miniature(jpeg(page(1)))
    assert turn_between(first, miniature(jpeg(page(1).resize((350, 500), 3), 60))) == UPRIGHT
    assert all(turn_between(first, miniature(jpeg(page(seed)))) is None for seed in range(2, 8))


def test_the_measures_are_those_of_equal_pictures() -> None:
    one = miniature(jpeg(view(3)))
    told = likeness(one, one)
    assert told.agreement == pytest.approx(1, abs=1e-5)
    assert told.worst_part == pytest.approx(0, abs=1e-5)
    assert told.detail == pytest.approx(1, abs=1e-5)
    smooth = np.full((64, 64, 3), 90, np.uint8)
    assert likeness(smooth, smooth).detail == 1.0


# ---------------------------------------------------------------- turned prints


def bits(print_: int) -> Array:
    return np.unpackbits(np.frombuffer(print_.to_bytes(8, "big"), np.uint8)).reshape(8, 8)


@given(st.integers(0, 2**64 - 1), st.sampled_from(TURNS))
def test_turned_prints_are_what_turned_terms_say(print_: int, turn: Turn) -> None:
    expected = bits(print_).copy()
    if turn.mirrored:
        expected[:, 1::2] ^= 1
    if turn.flipped:
        expected[1::2] ^= 1
    if turn.transposed:
        expected = expected.T
    (found,) = turned_prints(np.array([print_], np.uint64), turn)
    assert (bits(int(found)) == expected).all()


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.name)
def test_turned_prints_are_near_those_of_turned_pictures(turn: Turn) -> None:
    apart = []
    for seed in range(20):
        pixels = np.asarray(view(seed, 320, 320))
        turned = np.ascontiguousarray(turned_pixels(pixels, turn))
        (derived,) = turned_prints(np.array([fingerprint(pixels)], np.uint64), turn)
        apart.append(distance(int(derived), fingerprint(turned)))
    exact = not (turn.mirrored or turn.flipped)
    assert max(apart) <= (2 if exact else near.RADIUS_MIRRORED), apart


def test_turns_are_those_of_pillow() -> None:
    image = view(1, 100, 80)
    methods = {"mirrored": 0, "flipped": 1, "rotated-270": 2, "rotated-180": 3, "rotated-90": 4}
    for name, method in {**methods, "transposed": 5, "transversed": 6}.items():
        turn = next(one for one in TURNS if one.name == name)
        expected = np.asarray(image.transpose(Image.Transpose(method)))
        assert (turned_pixels(np.asarray(image), turn) == expected).all(), name


# ---------------------------------------------------------------- candidates


@st.composite
def many_prints(draw: st.DrawFn) -> Array:
    """Distinct prints, many of them some bits or a turn away from others."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    bases = rng.integers(0, 2**64, draw(st.integers(1, 12)), dtype=np.uint64)
    found = [bases]
    for _ in range(draw(st.integers(0, 5))):
        moved = turned_prints(bases, TURNS[int(rng.integers(0, 8))])
        for _ in range(int(rng.integers(0, 14))):
            moved = moved ^ (np.uint64(1) << rng.integers(0, 64, len(bases), dtype=np.uint64))
        found.append(moved)
    return np.unique(np.concatenate(found))


def all_pairs(prints: Array, turn: Turn, radius: int) -> dict[tuple[int, int], int]:
    asked = turned_prints(prints, turn).tolist()
    return {
        (first, second): distance(one, other)
        for first, one in enumerate(asked)
        for second, other in enumerate(prints.tolist())
        if first != second and distance(one, other) <= radius
    }


def pairs_found(prints: Array, turn: Turn, radius: int) -> list[tuple[int, int, int]]:
    return [
        (int(first), int(second), int(apart))
        for pairs in candidates.pairs_within(prints, turn, radius)
        for first, second, apart in zip(*pairs, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(many_prints(), st.sampled_from(TURNS), st.integers(0, 14), st.integers(3, 8))
def test_near_pairs_are_those_of_all_pairs(
    prints: Array, turn: Turn, radius: int, parts: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "bands_of", lambda count, r: candidates._cut(parts, r))
        patch.setattr(candidates, "_BLOCK", 7)
        if sum(len(list(candidates._flips(b))) for b in candidates._cut(parts, radius)) > 4000:
            return  # three bands with five errors each: right, and slow
        found = pairs_found(prints, turn, radius)
    expected = all_pairs(prints, turn, radius)
    if turn.transposed:
        assert sorted(found) == sorted((*pair, apart) for pair, apart in expected.items())
    else:  # one of (a, b) and (b, a), which both are near then
        either = [(min(a, b), max(a, b), apart) for a, b, apart in found]
        assert len(set(either)) == len(either)
        assert set(either) == {(*pair, d) for pair, d in expected.items() if pair[0] < pair[1]}


@given(st.integers(1, 2_000_000), st.integers(0, 14))
def test_bands_miss_no_pair(count: int, radius: int) -> None:
    bands = candidates.bands_of(count, radius)
    assert sum(band.errors + 1 for band in bands) >= min(radius + 1, 64)
    ends = [band.shift + band.width for band in bands]
    assert [band.shift for band in bands] == [0, *ends[:-1]]
    assert ends[-1] <= 64
    assert all(band.width <= 22 for band in bands)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_bits_are_counted_without_numpy_2_too(values: list[int]) -> None:
    given_ = np.array(values, np.uint64)
    expected = [value.bit_count() for value in values]
    assert candidates.bits_of(given_).tolist() == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates.np, "bitwise_count", None, raising=False)
        assert candidates.bits_of(given_).tolist() == expected


# ---------------------------------------------------------------- groups


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 12), st.data())
def test_groups_are_stars_around_the_best(count: int, data: st.DataObject) -> None:
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    nears = set(data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else [])
    sames = {pair for pair in nears if data.draw(st.booleans())}
    ranked = data.draw(st.permutations(range(count)))
    rank = {one: place for place, one in enumerate(ranked)}

    def near_of(one: int) -> list[int]:
        return [b if a == one else a for a, b in nears if one in (a, b)] + [one]

    def same(best: int, asked: Sequence[int]) -> Mapping[int, str]:
        assert best not in asked
        return {one: "so" for one in asked if (min(one, best), max(one, best)) in sames}

    groups = groups_around_best(ranked, near_of, same)
    members = [one for best, others in groups.items() for one in (best, *others)]
    assert len(set(members)) == len(members)
    group_of = {one: best for best, others in groups.items() for one in (best, *others)}
    for best, others in groups.items():
        assert others
        assert all(rank[best] < rank[one] for one in others)
        assert all((min(one, best), max(one, best)) in sames for one in others)
    for a, b in sames:
        better, worse = sorted((a, b), key=rank.__getitem__)
        # Either they go together, or the better one belongs to another, or so does the worse one,
        # and to one that is better still.
        own = group_of.get(better) == better
        assert not own or rank[group_of[worse]] <= rank[better]


# ---------------------------------------------------------------- a library


def put(folder: Path, name: str, data: bytes, age: int = 0) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    settle(path, age)
    return path


@pytest.fixture
def library(photos: Path) -> Iterator[ls.Library]:
    """Two originals with copies, a burst, some others."""
    put(photos, "a/original.jpg", jpeg(view(1)), age=5)
    put(photos, "b/copy.jpg", jpeg(view(1)), age=9)
    put(photos, "a/small.jpg", VARIANTS["half"][0](view(1)))
    put(photos, "a/turned.jpg", VARIANTS["rotated-90"][0](view(1)), age=7)
    put(photos, "lone.png", encoded(view(2), "PNG"), age=2)
    put(photos, "lone again.png", encoded(view(2), "PNG"), age=1)
    for n, shift in enumerate((0, 6, 12)):
        exif = exif_block(date=f"2024:05:01 10:00:0{n}")
        put(photos, f"burst/{n}.jpg", jpeg(view(3, shift=shift), exif=exif))
    for seed in range(10, 16):
        put(photos, f"other/{seed}.jpg", jpeg(view(seed)))
    with open_library(photos) as opened:
        opened.sync()
        yield opened


def names_of(found: ls.Duplicates) -> list[list[str]]:
    return [[one.path.name for one in group.members if one.path] for group in found.groups]


def test_both_notions_are_told_apart(library: ls.Library) -> None:
    found = library.duplicates()
    assert found.photos == 15
    assert found.notes == ()
    by_name = {group.best.path.name: group for group in found.groups if group.best.path}
    assert set(by_name) <= {"original.jpg", "turned.jpg", "lone again.png"}
    pictures = next(group for group in found.groups if group.kind == "picture")
    assert sorted(names_of(found), key=len)[0] == ["lone again.png", "lone.png"]
    assert {one.path.name for one in pictures.members if one.path} == {
        *("original.jpg", "copy.jpg", "small.jpg", "turned.jpg")
    }
    assert found.redundant == 4
    assert found.bytes == sum(one.bytes or 0 for g in found.groups for one in g.members[1:])
    assert [group.bytes for group in found.groups] == sorted(
        (group.bytes for group in found.groups), reverse=True
    )
    small = next(one for one in pictures.members if one.path and one.path.name == "small.jpg")
    assert (small.kind, small.width, small.height) == ("picture", 200, 150)
    assert small.turn == ("none" if pictures.best.width == 400 else "rotated-270")
    assert "200 x 150" in small.why


def test_exact_is_the_same_content_only(library: ls.Library) -> None:
    found = library.duplicates(exact=True)
    assert sorted(map(sorted, names_of(found))) == [
        *(["copy.jpg", "original.jpg"], ["lone again.png", "lone.png"])
    ]
    assert {group.kind for group in found.groups} == {"content"}
    for group in found.groups:
        assert len({one.digest for one in group.members}) == 1
        assert [one.kind for one in group.members] == ["best", "content"]
        assert "oldest" in group.best.why
    # The oldest file is the best of equal ones, whatever the order of adding.
    assert {names[0] for names in names_of(found)} == {"original.jpg", "lone again.png"}


def test_the_best_has_most_pixels_then_most_bytes(photos: Path) -> None:
    put(photos, "large.jpg", jpeg(view(1, 800, 600).resize((800, 600)), 40), age=9)
    put(photos, "fine.jpg", jpeg(view(1, 800, 600).resize((400, 300), 3), 98), age=1)
    put(photos, "coarse.jpg", jpeg(view(1, 800, 600).resize((400, 300), 3), 50), age=0)
    with open_library(photos) as opened:
        opened.sync()
        (group,) = opened.duplicates().groups
        assert [one.path.name for one in group.members if one.path] == [
            *("large.jpg", "fine.jpg", "coarse.jpg")
        ]
        assert "most pixels" in group.best.why
        opened.remove(group.best.id)
        (group,) = opened.duplicates().groups
        assert group.best.path == photos / "fine.jpg"
        assert "most bytes" in group.best.why


def test_removed_missing_and_changed_photos_do_not_count(library: ls.Library, photos: Path) -> None:
    for group in library.duplicates(exact=True).groups:
        library.remove(group.members[1].id)
    assert library.duplicates(exact=True).groups == ()
    (photos / "a" / "small.jpg").unlink()
    put(photos, "a/turned.jpg", jpeg(view(50)), age=60)
    library.sync(allow_removals=True)
    assert library.duplicates().groups == ()


def test_members_are_the_same_as_the_best_not_as_each_other(photos: Path) -> None:
    """A chain of photos each a little further: no group runs along it."""
    for n in range(12):
        put(photos, f"{n}.jpg", jpeg(view(1, shift=2 * n)))
    with open_library(photos) as opened:
        opened.sync()
        for group in opened.duplicates().groups:
            shifts = [int(one.path.stem) for one in group.members if one.path]
            assert max(abs(one - shifts[0]) for one in shifts) <= 2


def test_pictures_of_one_colour_are_only_compared_as_contents(photos: Path) -> None:
    for n, colour in enumerate(((10, 10, 10), (200, 30, 30), (30, 200, 30))):
        put(photos, f"{n}.png", encoded(Image.new("RGB", (80, 60), colour), "PNG"))
    put(photos, "again.png", (photos / "0.png").read_bytes())
    with open_library(photos) as opened:
        opened.sync()
        found = opened.duplicates()
    assert [sorted(names) for names in names_of(found)] == [["0.png", "again.png"]]
    assert found.without_fingerprint == 4
    assert "4 photos have no fingerprint" in found.notes[0]


@pytest.mark.damages
def test_without_thumbnails_contents_are_still_compared(library: ls.Library) -> None:
    store = library.store
    library.close()
    for path in store.glob("thumbs.sqlite*"):
        path.unlink()
    with ls.open(store=store, read_only=True) as opened:
        found = opened.duplicates()
        assert sorted(map(len, names_of(found))) == [2, 2]
        assert found.without_fingerprint == found.photos == 15


def test_a_lost_thumbnail_claims_nothing(library: ls.Library) -> None:
    digests = [bytes.fromhex(one.digest or "") for one in library.inputs()]
    library._inner.truth.thumbnails.forget(digests[:-1])
    assert {group.kind for group in library.duplicates().groups} == {"content"}


def test_a_read_only_handle_and_many_threads(library: ls.Library) -> None:
    expected = library.duplicates()
    answers: list[ls.Duplicates] = []
    with ls.open(store=library.store, read_only=True) as opened:
        threads = [
            threading.Thread(target=lambda: answers.append(opened.duplicates())) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [expected] * 3


def test_an_empty_library(photos: Path) -> None:
    with open_library(photos) as opened:
        assert opened.duplicates() == ls.Duplicates((), 0, 0, 0, 0)
        assert opened.duplicates(exact=True) == ls.Duplicates((), 0, 0, 0, 0)
        put(photos, "one.jpg", jpeg(view(1)))
        opened.sync()
        assert opened.duplicates() == ls.Duplicates((), 1, 0, 0, 0)


def test_progress_is_told_and_stop_ends_it(library: ls.Library) -> None:
    events: list[Progress] = []
    library.duplicates(progress=events.append)
    stages = list(dict.fromkeys(event.stage for event in events))
    assert stages == ["reading", "comparing", "looking", "telling"]
    assert all(event.done <= event.total for event in events)
    for after in range(1, 60, 7):
        left = iter(range(after))
        with pytest.raises(ls.Cancelled):
            library.duplicates(stop=lambda left=left: next(left, None) is None)

    def fails(event: Progress) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        library.duplicates(progress=fails)


def test_misuse_is_told(library: ls.Library) -> None:
    wrong: list[dict[str, Any]] = [{"exact": "yes"}, {"exact": 1}, {"progress": 3}, {"stop": "now"}]
    for arguments in wrong:
        with pytest.raises(ls.InputError):
            library.duplicates(**arguments)
    with pytest.raises(ls.InputError):
        library.search("red", fold="yes")  # type: ignore[arg-type]
    library.close()
    with pytest.raises(ls.LibraryClosed):
        library.duplicates()


def test_too_many_near_prints_are_cut_down_and_told(
    library: ls.Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "_MOST_PAIRS", 0)
    found = library.duplicates()
    assert "very many photos look nearly the same" in found.notes[0]
    assert len(found.groups) >= 1


@needs_shared
def test_known_variants_are_found_and_bursts_are_not(photos: Path) -> None:
    """The public test images of two libraries for near-duplicates, and a set of holiday scenes."""
    known, scenes = shared("photos", "near_duplicates"), shared("photos", "holidays")
    shutil.copytree(known / "images", photos / "known")
    shutil.copytree(scenes / "images", photos / "scenes")
    with open_library(photos) as opened:  # the tiny pack: the pixels decide
        opened.sync()
        found = opened.duplicates()
    groups = [[str(one.path) for one in group.members] for group in found.groups]
    bridge = next(names for names in groups if "bridge" in names[0])
    assert len(bridge) >= 19  # of 21; one has bars above and below
    assert all("bridge" in name for name in bridge)
    pictures = [group for group in found.groups if group.kind == "picture"]
    assert not [one for group in pictures for one in group.members if "scenes" in str(one.path)]


# ---------------------------------------------------------------- the command


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localsearch", *args],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_the_command_in_a_pipe(library: ls.Library, photos: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*.jpg")}
    done = run("duplicates", cwd=photos)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert "the best copy" in lines[0]
    assert [line.split()[0] for line in lines] in (["1"] * 4 + ["2"] * 2, ["1"] * 2 + ["2"] * 4)
    assert "2 groups; 4 photos beside the best copies" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert {path: path.stat().st_mtime_ns for path in photos.rglob("*.jpg")} == before
    assert len(run("duplicates", "--exact", cwd=photos).stdout.splitlines()) == 4


def test_the_command_as_json(
    library: ls.Library, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(library.store)
    assert main.run(["--library", store, "duplicates", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert list(body) == [
        *("version", "groups", "photos", "without_fingerprint", "redundant", "bytes", "notes")
    ]
    assert body["version"] == 1
    for group in body["groups"]:
        assert list(group) == ["kind", "best", "bytes", "members"]
        assert group["best"] == group["members"][0]["id"]
        for one in group["members"]:
            assert list(one) == [
                *("id", "path", "available", "digest", "width", "height", "bytes"),
                *("kind", "turn", "why"),
            ]
            assert Path(one["path"]).stat().st_size == one["bytes"]
    library.remove([one.id for one in library.inputs()])
    assert main.run(["--library", store, "duplicates"]) == 0
    assert "no duplicates among 0 photos" in capsys.readouterr().err
