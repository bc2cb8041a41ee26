"""What benchmarks share: photo folders and stores, made when first asked for, removed at the end.

Knows how large a quick and a full run are. Invariant: nothing of it lies outside its own folder,
but for synthetic stores that are to be kept.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

from benchmarks import pictures
from benchmarks.children import SyncRun, sync_in_child, synthetic_in_child
from benchmarks.stored_graph import has_graph
from benchmarks.synthetic import Written
from benchmarks.tending import Tended, tend

LARGE = (4000, 3000)  # 12 megapixels
TREE_CONTENTS = 300
_SMALL = (320, 240)
_TREE_PICTURE = (96, 72)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a run measures."""

    photos: int  # of the sync that is compared with its ceiling
    stage_photos: int  # of the stages alone
    large: int  # JPEGs of 12 megapixels
    tree: int  # files of the tree of copies
    rounds: int  # of what takes seconds
    quick_rounds: int  # of what takes milliseconds
    processes: int  # rounds of whole processes
    synthetic: tuple[int, ...]  # inputs of the synthetic stores, rising


# 20,480 inputs: some hundredth of them cannot be found, and a graph begins at 20,000.
QUICK = Sizes(80, 40, 4, 2_000, 1, 15, 3, (20_480,))
FULL = Sizes(1000, 250, 40, 100_000, 7, 50, 15, (10_000, 100_000, 1_000_000))


@dataclass(frozen=True, slots=True)
class Stored:
    """A photo folder with its synced store, and the sync that filled it."""

    photos: Path
    store: Path
    sync: SyncRun


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A store of photos that never were, and what making it took."""

    store: Path
    written: Written


class Workspace:
    """A temporary folder; use it as a context manager. `data` is the folder of test data.

    `stores`: where synthetic stores are kept for the next run; without it they go as well.
    """

    def __init__(
        self,
        data: Path | None,
        sizes: Sizes,
        tell: Callable[[str], None],
        stores: Path | None = None,
    ) -> None:
        self.data = data.resolve() if data is not None else None
        self.sizes, self.tell = sizes, tell
        self._stores = stores.resolve() if stores is not None else None
        self._temporary = tempfile.TemporaryDirectory(prefix="localsearch-bench-")
        self.folder = Path(self._temporary.name).resolve()
        self._fresh = 0

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *fault: object) -> None:
        self._temporary.cleanup()

    def fresh(self, name: str) -> Path:
        """A path below the folder that nobody uses."""
        self._fresh += 1
        return self.folder / f"{name}-{self._fresh}"

    def synced(self, photos: Path, name: str) -> Stored:
        """Sync a folder into a new store, in a child process."""
        store = self.fresh(f"store-{name}")
        return Stored(photos, store, sync_in_child(photos, store))

    def synced_again(self, stored: Stored) -> SyncRun:
        """Another sync of the same folder and store."""
        return sync_in_child(stored.photos, stored.store)

    def data_folder(self, *parts: str) -> Path | None:
        """A folder of the test data, if it is there."""
        folder = self.data.joinpath(*parts) if self.data is not None else None
        return folder if folder is not None and folder.is_dir() else None

    def sample_files(self) -> list[Path]:
        """The photos of the ImageNet sample, by name; none without the test data."""
        folder = self.data_folder("photos", "imagenet_sample", "images")
        return sorted(folder.iterdir()) if folder else []

    @cached_property
    def some(self) -> Path:
        """`sizes.photos` photos: of the sample if it is there, else generated ones."""
        folder = self.folder / "some"
        files = self.sample_files()
        if files:
            pictures.copy_evenly(files, self.sizes.photos, folder)
        else:
            self.tell("generating small photos (no test data)")
            for seed in range(self.sizes.photos):
                pictures.save(pictures.photo_like(seed, _SMALL), folder / f"{seed:05d}.jpg")
        return folder

    @cached_property
    def some_stored(self) -> Stored:
        """Those photos, synced."""
        self.tell("syncing the small photos")
        return self.synced(self.some, "some")

    @cached_property
    def large(self) -> Path:
        """`sizes.large` JPEGs of 12 megapixels, enlarged from real photos where there are some."""
        self.tell("making photos of 12 megapixels")
        source = self.data_folder("photos", "scenes", "images")
        files = sorted(source.iterdir()) if source else []
        folder = self.folder / "large"
        for seed in range(self.sizes.large):
            if files:
                file = files[seed * len(files) // self.sizes.large]
                picture = pictures.enlarged(file, seed, LARGE)
            else:
                picture = pictures.photo_like(seed, LARGE)
            pictures.save(picture, folder / f"{seed:03d}.jpg")
        return folder

    @cached_property
    def large_stored(self) -> Stored:
        """Those, synced."""
        return self.synced(self.large, "large")

    @cached_property
    def tree(self) -> Path:
        """`sizes.tree` small files of a few hundred contents."""
        self.tell(f"writing a tree of {self.sizes.tree:,} files")
        contents = []
        for seed in range(TREE_CONTENTS):
            file = BytesIO()
            pictures.photo_like(seed, _TREE_PICTURE).save(file, "JPEG", quality=85)
            contents.append(file.getvalue())
        pictures.copy_tree(contents, self.sizes.tree, self.folder / "tree")
        return self.folder / "tree"

    @cached_property
    def tree_stored(self) -> Stored:
        """The tree, synced for the first time."""
        tree = self.tree
        self.tell("first sync of the tree")
        return self.synced(tree, "tree")

    def synthetic(self, rows: int) -> Synthetic:
        """A synthetic store of so many inputs; one that a former run kept is used again."""
        folder = (self._stores or self.folder) / f"synthetic-{rows}"
        told = folder.with_suffix(".json")
        if not told.is_file():
            self.drop(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            self.tell(f"making a store of {rows:,} rows")
            told.write_text(synthetic_in_child(rows, folder, self.data), encoding="utf-8")
        return Synthetic(folder, Written(**json.loads(told.read_text(encoding="utf-8"))))

    def graphed(self, rows: int) -> Path:
        """That store, with its graph."""
        store = self.synthetic(rows).store
        if not has_graph(store):
            self.tell(f"building the graph of {rows:,} rows")
            told = tend("build-graph", store)
            self._graph_note(store).write_text(json.dumps(asdict(told)), encoding="utf-8")
        return store

    def graph_making(self, rows: int) -> Tended | None:
        """What making that graph took; None if it came with the store."""
        note = self._graph_note(self.graphed(rows))
        if not note.is_file():
            return None
        return Tended(**json.loads(note.read_text(encoding="utf-8")))

    @staticmethod
    def _graph_note(store: Path) -> Path:
        return store.with_name(f"{store.name}-graph.json")

    def copied(self, store: Path) -> Path:
        """A copy that may be changed; drop it after use."""
        copy = self.fresh(store.name)
        shutil.copytree(store, copy)
        return copy

    def drop(self, store: Path) -> None:
        """Remove a store that is no longer needed."""
        shutil.rmtree(store, ignore_errors=True)
