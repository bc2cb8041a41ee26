"""One pack, loaded: what it knows, without a network that runs.

Opens the manifest at once and everything else when it is first asked for. Never writes. Invariant:
a Pack exists only after its files passed `intact`, so what it reads later is what was published.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from localsearch.deferred import dataclass
from localsearch.errors import PackDamaged, PackError
from localsearch.pack.arrays import array_of
from localsearch.pack.intact import check_files, kept_manifest
from localsearch.pack.manifest import (
    Golden,
    ImageSpec,
    Manifest,
    Part,
    TableSpec,
    TextSpec,
    manifest_of,
    raw_manifest,
)
from localsearch.pack.probabilities import Reading, make_reading, probabilities
from localsearch.pack.probes import NO_INPUTS, Inputs, Probes, make_probes, read_inputs
from localsearch.pack.text import AnyWords, KnownWords, TextArrays, Words, text_arrays
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
    def text(self) -> TextSpec | None:
        """How texts are read and scored; None: the pack has no text part."""
        return self.manifest.text

    @cached_property
    def words(self) -> Words | None:
        """The words that the text part knows, read when first asked; None without one."""
        spec = self.manifest.text
        if spec is None:
            return None
        return AnyWords(spec.stop_words) if spec.network else self.known_words

    @cached_property
    def known_words(self) -> KnownWords:
        """The words of a table. Raises ValueError without one."""
        return KnownWords(self.folder / self._tables[0].tokens, self._tables[0].stop_words)

    @cached_property
    def text_arrays(self) -> TextArrays:
        """What makes a vector of words. Raises PackDamaged; ValueError without a table of them."""
        return text_arrays(self.folder, self._tables[1], len(self.known_words), self.dimensions)

    @property
    def _tables(self) -> tuple[TextSpec, TableSpec]:
        spec = self.manifest.text
        if spec is None or not isinstance(spec.maker, TableSpec):
            raise ValueError(f"the pack {self.name} has no text part that is a table")
        return spec, spec.maker

    @cached_property
    def decoys(self) -> npt.NDArray[np.float16]:
        """Stored vectors of unrelated pictures, float16 [n, D]; none without a text part."""
        name = None if self.text is None else self.text.decoys
        if name is None:
            return np.zeros((0, self.dimensions), np.float16)
        return array_of(self.folder / name, (np.float16,), (None, self.dimensions))

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.manifest.parts

    @property
    def golden(self) -> Golden:
        return self.manifest.golden

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
        return make_reading(
            self.vocabulary,
            self.classes,
            self.manifest.temperature,
            self._calibration,
            self._probes(),
        )

    def _probes(self) -> Probes:
        if self.manifest.probes is None:
            return make_probes(np.zeros((0, self.dimensions + 1), dtype=np.float32), None)
        inputs = self._probe_inputs()
        width = self.dimensions + (0 if inputs is None else len(inputs.starts)) + 1
        return make_probes(self._array(self.manifest.probes, width), inputs)

    def _probe_inputs(self) -> Inputs | None:
        if self.manifest.probe_inputs is None:
            return NO_INPUTS if self.manifest.format >= 3 else None
        path = self.folder / self.manifest.probe_inputs
        try:
            return read_inputs(path.read_text(encoding="utf-8"), self.classes, str(path))
        except (OSError, UnicodeDecodeError) as fault:
            raise PackDamaged(f"{path} cannot be read: {fault}") from fault

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
        return array_of(self.folder / name, (np.float32,), (None, columns))


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
