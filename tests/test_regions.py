"""Likeness to a part of a picture: as to that part cut out, wherever the picture comes from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import localsearch as ls
from tests.make_library import open_library
from tests.tiny_pack import make_photo

PART = (0.25, 0.5, 0.75, 1.0)  # of the picture held upright


def encoded(pixels: np.ndarray, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format=form, **options)
    return out.getvalue()


def picture() -> np.ndarray:
    """Four photos in one, 160 x 120: no part is like the whole."""
    quarters = [make_photo(seed, (80, 60)) for seed in (1, 4, 7, 10)]
    return np.vstack([np.hstack(quarters[:2]), np.hstack(quarters[2:])])


def cut(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    return pixels[height // 2 :, width // 4 : 3 * width // 4]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[ls.Library]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(12):
        (folder / f"{seed}.png").write_bytes(encoded(make_photo(seed, (80, 60))))
    (folder / "four.png").write_bytes(encoded(picture()))
    with open_library(folder) as library:
        library.sync()
        yield library


def answer(library: ls.Library, query: str | ls.Term) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in library.search(query, limit=50)]


def test_a_part_is_what_is_cut_out(library: ls.Library) -> None:
    part = answer(library, ls.like(data=encoded(picture()), region=PART))
    assert part == answer(library, ls.like(data=encoded(cut(picture()))))
    assert part != answer(library, ls.like(data=encoded(picture())))


def test_the_whole_as_a_region_is_no_region(library: ls.Library, tmp_path: Path) -> None:
    fresh = encoded(make_photo(99, (80, 60)))
    assert answer(library, ls.like(data=fresh, region=(0, 0, 1, 1))) == answer(
        library, ls.like(data=fresh)
    )
    four = tmp_path / "photos" / "four.png"
    asked = f'like:"{four}",region=0:0:1:1'
    assert answer(library, asked) == answer(library, ls.like(four))
    # So little less that no pixel is lost: then the picture is read again, to the same end.
    almost = (0.0, 0.0, 1.0, 0.999)
    assert answer(library, ls.like(four, region=almost)) == answer(library, ls.like(four))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_is_of_the_upright_picture(library: ls.Library, orientation: int) -> None:
    image = Image.fromarray(picture())
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what the viewer's turn undoes
    stored = image if orientation == 1 else image.transpose(Image.Transpose(turns[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = encoded(np.asarray(stored), exif=exif)
    upright = answer(library, ls.like(data=encoded(picture()), region=PART))
    assert answer(library, ls.like(data=turned, region=PART)) == upright


def test_of_an_input_the_picture_is_read_again(library: ls.Library, tmp_path: Path) -> None:
    four = tmp_path / "photos" / "four.png"
    stored = library.find(four)
    kept = library.add(encoded(picture()[::-1]), id="kept")
    assert stored is not None and kept.state == "ok"
    part = answer(library, ls.like(id=stored.id, region=PART))
    assert part == answer(library, ls.like(four, region=PART))
    assert part == answer(library, f"like-id:{stored.id},region=0.25:0.5:0.75:1")
    flipped = ls.like(data=encoded(cut(picture()[::-1])))
    assert answer(library, ls.like(id="kept", region=PART)) == answer(library, flipped)

    best = part[0]
    for away in (lambda: four.write_bytes(encoded(make_photo(3, (80, 60)))), four.unlink):
        away()  # the file is another picture now, then gone: its thumbnail is as it was indexed
        again = answer(library, ls.like(id=stored.id, region=PART))
        assert again[0][0] == best[0] and again[0][1] == pytest.approx(best[1], abs=0.02)


def test_a_picture_that_is_nowhere_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(encoded(picture()))
    with open_library(folder, thumbnails=False) as library:
        library.sync()
        (one,) = library.inputs()
        assert answer(library, ls.like(id=one.id, region=PART))
        (folder / "a.png").unlink()
        with pytest.raises(ls.LibraryMissing, match="no thumbnail"):
            library.search(ls.like(id=one.id, region=PART))
        assert answer(library, ls.like(id=one.id)) == [(one.id, 1.0)]  # the features are there


def test_a_small_part_of_a_large_photo_is_decoded_finely(library: ls.Library) -> None:
    large = np.asarray(Image.fromarray(picture()).resize((3200, 2400), Image.Resampling.LANCZOS))
    data = encoded(large, "JPEG", quality=95)
    region = (0.5, 0.5, 0.55, 0.55)
    there = encoded(large[1200:1320, 1600:1760])
    for (id, score), (other, expected) in zip(
        answer(library, ls.like(data=data, region=region)),
        answer(library, ls.like(data=there)),
        strict=True,
    ):
        assert id == other and score == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    "region",
    [(0, 0, 0.01, 1), (0, 0.5, 1, 0.51), (0.5, 0.5, 0.5 + 1e-9, 1), (0, 0, 5e-324, 1)],
)
def test_a_region_of_hardly_any_pixels_is_refused(
    library: ls.Library, region: tuple[float, float, float, float]
) -> None:
    with pytest.raises(ls.InputError, match=r"takes \d+ x \d+ pixels"):
        library.search(ls.like(data=encoded(picture()), region=region))


def test_a_broken_query_picture_is_told(library: ls.Library) -> None:
    with pytest.raises(ls.PictureError, match="the query picture"):
        library.search(ls.like(data=encoded(picture())[:200], region=PART))


def test_parts_take_weights(library: ls.Library) -> None:
    data = encoded(picture())
    part, whole = ls.like(data=data, region=PART), ls.like(data=data)
    mixed = answer(library, 0.75 * part - 0.25 * whole)
    assert mixed == answer(library, 3 * part - whole)
    assert mixed not in (answer(library, part), answer(library, whole))
    with pytest.raises(ls.QueryError, match="cancel"):
        library.search(whole - whole)
