"""The built-in pack, end to end: what it must find, and what its scores must mean."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import localsearch as ls
from tests.shared import needs_shared, shared
from weights.decoys import NONSENSE

REPOSITORY = Path(__file__).resolve().parents[1]
DEMO = REPOSITORY / "localsearch" / "_demo" / "photos"

pytestmark = pytest.mark.skipif(
    not (REPOSITORY / "weights" / "general" / "pack.toml").is_file(),
    reason="the built-in pack is not in this checkout",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ls.Library]:
    """A library of the demo's free photos."""
    with ls.open(DEMO, store=tmp_path_factory.mktemp("general") / "store") as library:
        assert library.sync().added == len(list(DEMO.iterdir()))
        yield library


def names(page: ls.Page) -> list[str]:
    return [hit.path.name for hit in page if hit.path is not None]


def test_concepts_find_what_is_on_the_photos(demo: ls.Library) -> None:
    assert names(demo.search(ls.concept("dog"), limit=1)) == ["dog.jpg"]
    assert names(demo.search(ls.concept("n02084071"), limit=1)) == ["dog.jpg"]
    assert set(names(demo.search(ls.concept("cat"), limit=3))) == {
        "cat.jpg",
        "cat-small.jpg",
        "kitten.jpg",
    }
    people = names(demo.search(ls.concept("people"), limit=3))
    assert set(people) == {"astronaut.jpg", "admiral.jpg", "photographer.jpg"}
    assert names(demo.search(ls.concept("mountain"), limit=1)) == ["mountain.jpg"]


ANIMALS = {"cat.jpg", "cat-small.jpg", "dog.jpg", "horses.jpg", "kingfisher.jpg", "kitten.jpg"}
ANIMALS |= {"red-panda.jpg", "sheep.jpg"}


@pytest.mark.parametrize(
    ("concept", "expected"),
    [
        ("bird", {"kingfisher.jpg"}),
        ("food", {"coffee.jpg"}),
        ("sheep", {"sheep.jpg"}),
        ("building", {"castle.jpg"}),
        ("sky", {"mountain.jpg", "castle.jpg", "rocket.jpg"}),
        ("portrait", {"admiral.jpg", "astronaut.jpg"}),
        ("animal", ANIMALS),
    ],
)
def test_everyday_concepts_come_first_where_they_are(
    demo: ls.Library, concept: str, expected: set[str]
) -> None:
    page = demo.search(ls.concept(concept), limit=len(expected))
    assert set(names(page)) == expected
    assert all(hit.score >= 0.5 for hit in page)


@pytest.mark.parametrize(("concept", "file"), [("cup", "coffee.jpg"), ("horse", "horses.jpg")])
def test_a_weak_concept_ranks_rightly_and_claims_little(
    demo: ls.Library, concept: str, file: str
) -> None:
    """Both are read by probes that doubt: what they say is below a half, and the order is right."""
    assert names(demo.search(ls.concept(concept), limit=1)) == [file]


def test_what_is_not_there_is_not_claimed(demo: ls.Library) -> None:
    for concept in ("car", "beach", "sea", "snow", "boat", "train", "flower", "kitchen", "soccer"):
        assert all(hit.score < 0.5 for hit in demo.search(ls.concept(concept))), concept


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a cat on a carpet", {"cat.jpg", "cat-small.jpg", "kitten.jpg"}),
        ("a man with a camera", {"photographer.jpg"}),
        ("a cup of coffee", {"coffee.jpg"}),
        ("horses in a field", {"horses.jpg"}),
        ("a dog on the grass", {"dog.jpg"}),
    ],
)
def test_free_text_finds_what_it_says(demo: ls.Library, words: str, expected: set[str]) -> None:
    """The nearest, whether or not a library of fifteen photos is enough to call them found."""
    page = demo.search(ls.text(words, min_score=0.0), limit=len(expected))
    assert set(names(page)) == expected


def test_nothing_is_found_for_what_no_photo_shows(demo: ls.Library) -> None:
    """The floor has its rate of false alarms (the model card): some may bring a photo."""
    page = demo.search(ls.text("quarterly tax invoice"))
    assert len(page) == 0 and page.notes
    bringing = 0
    for words in NONSENSE:
        with suppress(ls.QueryNoText):  # no word of it is known
            bringing += len(demo.search(ls.text(words))) > 0
    assert bringing <= len(NONSENSE) / 5


def test_not_means_not(demo: ls.Library) -> None:
    everything = set(names(demo.search(~ls.concept("submarine", at_least=0.9), limit=99)))
    animals = set(names(demo.search(ls.concept("animal"), limit=99)))
    others = set(names(demo.search(~ls.concept("animal"), limit=99)))
    assert animals | others == everything and not animals & others


def test_the_same_picture_in_other_clothes(demo: ls.Library) -> None:
    from PIL import Image

    for path in sorted(DEMO.iterdir()):
        same = demo.search(ls.like(path), limit=1)[0]
        assert same.path == path and same.score >= 0.9999
        with Image.open(path) as image:
            for quality, share in ((60, 1.0), (90, 0.5)):
                copy = io.BytesIO()
                size = (int(image.width * share), int(image.height * share))
                image.resize(size, Image.Resampling.LANCZOS).save(copy, "JPEG", quality=quality)
                hits = {h.path: h.score for h in demo.scan(ls.like(data=copy.getvalue()))}
                assert hits[path] >= 0.95, (path.name, quality, share)


def test_unrelated_photos_score_around_a_third(demo: ls.Library) -> None:
    scores = sorted(
        hit.score for path in DEMO.iterdir() for hit in demo.scan(ls.like(path)) if hit.score < 0.9
    )
    assert 0.25 <= scores[len(scores) // 2] <= 0.5


def test_a_turned_photo_with_its_mark_is_the_same(demo: ls.Library) -> None:
    from PIL import Image

    with Image.open(DEMO / "dog.jpg") as image:
        turned = image.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[0x0112] = 6  # turn clockwise to see it upright
        copy = io.BytesIO()
        turned.save(copy, "JPEG", quality=92, exif=exif)
    hit = demo.search(ls.like(data=copy.getvalue()), limit=1)[0]
    assert hit.path == DEMO / "dog.jpg" and hit.score >= 0.98


@needs_shared
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_thousand_photos_one_of_each_class(tmp_path: Path) -> None:
    folder = shared("photos", "imagenet_sample")
    with (folder / "labels.csv").open(encoding="utf-8") as lines:
        wnid = {row["file"]: row["wnid"] for row in csv.DictReader(lines)}
    with ls.open(folder, store=tmp_path / "store") as library:
        assert library.sync().added == 1000
        parents = {one.id: one.parents for one in library.concepts()}

        def ancestors(id: str) -> set[str]:
            found: set[str] = set()
            todo = [id]
            while todo:
                one = todo.pop()
                if one not in found:
                    found.add(one)
                    todo += parents.get(one, ())
            return found

        truth = {name: ancestors(id) for name, id in wnid.items()}
        dogs = library.search(ls.concept("dog"), limit=118)
        right = sum("n02084071" in truth[hit.path.name] for hit in dogs if hit.path)
        assert right >= 112
        inner = [
            one.id
            for one in library.concepts()
            if one.kind == "ancestor" and sum(one.id in t for t in truth.values()) >= 4
        ]
        precisions = [average_precision(library, id, truth) for id in inner]
        assert len(inner) > 100
        assert sum(precisions) / len(precisions) >= 0.93


def average_precision(library: ls.Library, id: str, truth: dict[str, set[str]]) -> float:
    """Over all photos; those that are not listed under the concept count as never found."""
    total = sum(id in held for held in truth.values())
    page = library.search(ls.concept(id), limit=1000)
    right, summed = 0, 0.0
    for place, hit in enumerate(page, 1):
        if hit.path is not None and id in truth[hit.path.name]:
            right += 1
            summed += right / place
    return summed / total
