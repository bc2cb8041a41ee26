"""One pack, loaded: what it knows, without a network that runs.

Opens the manifest at once and everything else when it is first asked for. Never writes. Invariant:
a Pack exists only after its files passed `intact`, so what it reads later is what was published.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from localsearch.deferred import dataclass
from localsearch.errors import PackDamaged, PackError
from localsearch.pack.intact import check_files, kept_manifest
from localsearch.pack.manifest import Golden, ImageSpec, Manifest, Part, manifest_of, raw_manifest
from localsearch.pack.probabilities import Reading, make_reading, probabilities
from localsearch.pack.vocabulary import Vocabulary
from localsearch.scores import ONE, ScoreMap, at_least

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False, repr=False)
class Pack:
    """A pack in a folder. Threads may share it."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> int:
        return self.manifest.version

    @property
    def encoder_digest(self) -> str:
        """Features are valid for as long as this stays, 64 hex digits."""
        return self.manifest.encoder_digest

    @property
    def pack_digest(self) -> str:
        """Segments are valid for as long as this stays, 64 hex digits."""
        return self.manifest.pack_digest

    @property
    def image(self) -> ImageSpec:
        return self.manifest.image

    @property
    def dimensions(self) -> int:
        return self.manifest.image.dimensions

    @property
    def classes(self) -> int:
        return self.manifest.image.classes

    @property
    def visual(self) -> ScoreMap:
        """The map from visual cosines to scores."""
        return self.manifest.visual

    @property
    def text(self) -> ScoreMap | None:
        """The map from cosines with texts to scores; None: the pack has no text part."""
        return None

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.manifest.parts

    @property
    def golden(self) -> Golden:
        return self.manifest.golden

    @property
    def network_path(self) -> Path:
        return self.folder / self.manifest.image.network

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The concepts. Raises PackDamaged where the table is none."""
        path = self.folder / self.manifest.table
        try:
            return Vocabulary(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as fault:
            raise PackDamaged(f"{path} cannot be read: {fault}") from fault

    @cached_property
    def floors(self) -> npt.NDArray[np.uint16]:
        """Per concept the lowest quantised probability at which a photo is listed, uint16 [C]."""
        floors, places = np.unique(self._calibration[:, 2], return_inverse=True)
        edges = [min(at_least(float(floor)), ONE) for floor in floors]
        return np.array(edges, dtype=np.uint16)[places]

    def probabilities(
        self, vectors: npt.NDArray[np.float16], logits: npt.NDArray[np.float16]
    ) -> npt.NDArray[np.uint16]:
        """Quantised probabilities, uint16 [n, C], of stored features; see `pack.probabilities`."""
        return probabilities(self._reading, vectors, logits)

    @cached_property
    def _reading(self) -> Reading:
        probes = np.zeros((0, self.dimensions + 1), dtype=np.float32)
        if self.manifest.probes is not None:
            probes = self._array(self.manifest.probes, self.dimensions + 1)
        return make_reading(
            self.vocabulary, self.classes, self.manifest.temperature, self._calibration, probes
        )

    @cached_property
    def _calibration(self) -> npt.NDArray[np.float32]:
        table = self._array(self.manifest.calibration, 3)
        if len(table) != len(self.vocabulary):
            raise PackDamaged(
                f"{self.folder / self.manifest.calibration}: expected {len(self.vocabulary)} rows, "
                f"found {len(table)}"
            )
        return table

    def _array(self, name: str, columns: int) -> npt.NDArray[np.float32]:
        path = self.folder / name
        try:
            array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as fault:
            raise PackDamaged(f"{path} cannot be read: {fault}") from fault
        if array.ndim != 2 or array.shape[1] != columns or array.dtype != np.float32:
            raise PackDamaged(
                f"{path}: expected float32 [n, {columns}], found {array.dtype} {array.shape}"
            )
        if not np.isfinite(array).all():
            raise PackDamaged(f"{path} holds what is not a number")
        return array


def load_pack(folder: Path, *, check: Literal["stamp", "whole"] = "stamp") -> Pack:
    """The pack in `folder`.

    With "stamp", files that did not change since they were last checked whole are not read again.
    Raises PackMissing, PackDamaged (file, expected, found), PackError (too new).
    """
    kept = kept_manifest(folder) if check == "stamp" else None
    if kept is not None:
        with contextlib.suppress(PackError):  # the cache is damaged, or of another version
            return Pack(folder, manifest_of(kept, folder))
    raw = raw_manifest(folder)
    manifest = manifest_of(raw, folder)
    check_files(folder, manifest, raw)
    return Pack(folder, manifest)
