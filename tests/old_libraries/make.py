"""Makes `v<STORE_FORMAT>.zip`: photos with a library as this version of the program writes it.

Run once for each version of the format, at its release: `python -m tests.old_libraries.make`.
Later versions must open, search, sync and verify what it made; it is never made anew.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import localsearch as ls
from localsearch.catalog.migrations import STORE_FORMAT
from localsearch.publish import plan
from tests.make_library import open_library, write_photo


def make(target: Path) -> None:
    """Eight photos in two folders, a removed one, tags, metadata, bytes, a segment and a tail; and
    a concept that was taught."""
    plan.FULL, plan.WORTH = 6, 4  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as top:
        photos = Path(top) / "photos"
        for n in range(8):
            write_photo(photos / f"f{n % 2}" / f"{n}.png", n, size=(40, 40))
        with open_library(photos) as library:
            library.sync()
            ids = {one.relative_path: one.id for one in library.inputs()}
            library.tag([ids["f0/0.png"], ids["f1/1.png"]], "pet")
            library.update(ids["f0/2.png"], metadata={"album": "home"})
            library.remove(ids["f0/4.png"])
            library.add((photos / "f0" / "0.png").read_bytes(), id="kept-bytes")
            library.teach("my pet", tag="pet")
            assert library.search(ls.tag("pet")).total == 2
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(photos.rglob("*")):
                if path.is_file() and not path.name.endswith((".lock", ".owner")):
                    archive.write(path, path.relative_to(photos))


if __name__ == "__main__":
    make(Path(__file__).with_name(f"v{STORE_FORMAT}.zip"))
