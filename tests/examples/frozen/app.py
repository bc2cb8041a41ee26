"""A program to be frozen with PyInstaller: indexes a folder, searches it, prints JSON.

    pyinstaller --onedir app.py && dist/app/app PHOTOS STORE dog

localsearch brings its own hook, so that the model and what is loaded late come along.
"""

from __future__ import annotations

import json
import multiprocessing
import sys

import localsearch as ls


def main(photos: str, store: str, query: str) -> None:
    # Away from the photos, where the program may write; nothing of the environment is used.
    with ls.open(store=store, roots={"photos": photos}) as library:
        report = library.sync()
        page = library.search(query, limit=3)
        like = library.search(ls.like(page.hits[0].path), limit=2)
        found = {
            "added": report.added,
            "failed": report.failed,
            "total": page.total,
            "best": page.hits[0].path.name,
            "like": like.hits[0].path.name,
            "pack": library.status().pack,
            "graph": library.status().graph,
        }
    print(json.dumps(found))


if __name__ == "__main__":
    multiprocessing.freeze_support()  # a frozen program that starts processes must begin so
    main(*sys.argv[1:])
