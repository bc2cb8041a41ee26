"""A model of OpenCLIP becomes a pack: the only room that imports torch, and inside functions only.

What it makes needs no torch any more. Invariant: a name leads to no pack before both towers were
compared with torch, its concepts have their vectors, and all is fitted.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from localsearch.deferred import dataclass
from localsearch.errors import InputError
from localsearch.pack.manifest import MANIFEST
from localsearch.packs import own
from localsearch.packs.export.options import ExportOptions, Wanted
from localsearch.packs.zero_shot import Tell


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export made. `cosines` are the least with torch, of the image and the text tower;
    `apart` is by how much a number of a batch differs from that of a single row, at most.
    """

    name: str
    folder: Path
    cosines: tuple[float, float]
    apart: float
    bytes: int
    photos: int
    provisional: bool
    notes: tuple[str, ...]


def export_pack(title: str, options: ExportOptions, tell: Tell = lambda text: None) -> Exported:
    """Make a pack of a model of open_clip: in the user's folder for packs, or below `options.out`.

    Raises DependencyMissing (the extra `export`), InputError, and PackError where a tower in ONNX
    is not what torch computes: then there is no pack.
    """
    from localsearch.packs.calibrate import calibrate
    from localsearch.packs.export.build import build
    from localsearch.packs.export.models import open_model, pack_name
    from localsearch.packs.export.precision import check_precision

    check_precision(options.precision)
    name = options.name or pack_name(title)
    place = own.own_folder(name).parent if options.out is None else options.out
    with own.changing(name, f"exporting the pack {name}", place) as folder:
        if (folder / MANIFEST).exists():
            raise InputError(
                f"there is a pack {name} in {place} already",
                hint=f"--name gives another name, `localsearch packs remove {name}` removes it",
            )
        coming = own.coming_folder(name, "export", place)
        own.drop(coming)
        coming.mkdir()
        try:
            tell(f"{title} of open_clip, weights {options.pretrained or 'of a seed'}")
            model = open_model(title, options.pretrained, options.random_seed)
            wanted = Wanted(
                name,
                options.precision,
                options.with_classifier,
                options.vocabulary,
                options.tokenizer,
                options.licence,
            )
            built = build(model, wanted, coming, tell)
            done = calibrate(coming, options.calibrate, tell)
            own.put(coming, folder)
        finally:
            with contextlib.suppress(OSError):
                own.drop(coming)
    least = {one.tower: one.least for one in built.parities}
    return Exported(
        name=name,
        folder=folder,
        cosines=(least["image"], least["text"]),
        apart=max(one.apart for one in built.parities),
        bytes=sum(one.stat().st_size for one in folder.iterdir()),
        photos=done.photos,
        provisional=done.provisional,
        notes=built.notes,
    )
