"""`localsearch packs export` and `packs calibrate`: packs made here, and fitted to one's photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localsearch.cli import options, output, terminal

Model = Annotated[str, typer.Argument(metavar="MODEL", help="OpenCLIP's name, as ViT-B-32.")]
Pretrained = Annotated[
    str,
    typer.Option(
        "--pretrained", metavar="TAG|FILE", help="OpenCLIP's name of weights, or a checkpoint."
    ),
]
Precision = Annotated[
    str, typer.Option("--precision", help="fp32, fp16 (half the size) or int8 (a quarter).")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Put the pack below DIR, not where packs are."),
]
Name = Annotated[
    str | None, typer.Option("--name", help="The pack's name. Default: clip-vit-b32 and so on.")
]
Vocabulary = Annotated[
    Path | None,
    typer.Option(
        "--vocabulary",
        metavar="FILE",
        help="Your own concepts: a name a line, synonyms behind a tab with | between.",
    ),
]
WithClassifier = Annotated[
    str | None,
    typer.Option("--with-classifier", metavar="PACK", help="Keep the classes of that pack."),
]
Calibrate = Annotated[
    Path | None,
    typer.Option("--calibrate", metavar="FOLDER", help="Fit scores on these photos."),
]
Tokenizer = Annotated[
    Path | None,
    typer.Option("--tokenizer", metavar="FILE", help="SigLIP's SentencePiece model."),
]
Licence = Annotated[
    str | None, typer.Option("--licence", help="The licence of the weights, as SPDX writes it.")
]
Seed = Annotated[
    int | None,
    typer.Option("--random-seed", help="For tests: random weights, without --pretrained."),
]
Pack = Annotated[str, typer.Argument(metavar="NAME", help="A pack's name or folder.")]
Photos = Annotated[Path, typer.Argument(metavar="FOLDER", help="Some hundred of your photos.")]


def export(
    model: Model,
    pretrained: Pretrained = "",
    precision: Precision = "fp32",
    out: Out = None,
    name: Name = None,
    vocabulary: Vocabulary = None,
    with_classifier: WithClassifier = None,
    calibrate: Calibrate = None,
    tokenizer: Tokenizer = None,
    licence: Licence = None,
    random_seed: Seed = None,
    json: options.Json = False,
) -> None:
    """Make a pack of a model of OpenCLIP (extra `export`: brings torch)."""
    from localsearch import packs

    wanted = packs.ExportOptions(
        pretrained,
        precision,
        out,
        name,
        vocabulary,
        with_classifier,
        calibrate,
        tokenizer,
        licence,
        random_seed,
    )
    made = packs.export_pack(model, wanted, terminal.note)
    if json:
        told = {**{key: getattr(made, key) for key in made.__slots__}, "folder": str(made.folder)}
        output.print_json({"exported": told})
        return
    for text in made.notes:
        terminal.note(text)
    terminal.say(
        f"{made.name} ({output.size(made.bytes)}) is in {made.folder}; the least cosine with "
        f"torch: image {made.cosines[0]:.6f}, text {made.cosines[1]:.6f}"
    )
    if made.provisional:
        terminal.say(
            f"its scores are provisional: `localsearch packs calibrate {made.name} FOLDER` fits "
            "them to your photos"
        )


def calibrate(
    name: Pack, folder: Photos, vocabulary: Vocabulary = None, json: options.Json = False
) -> None:
    """Fit the scores of an exported pack to photos of yours; needs no labels and no torch.

    With --vocabulary it gets your concepts, too, in place of those that it has.
    """
    from localsearch import packs

    done = packs.calibrate_pack(name, folder, terminal.note, vocabulary=vocabulary)
    if json:
        output.print_json({"calibrated": {**done._asdict(), "folder": str(done.folder)}})
        return
    terminal.say(
        f"{done.pack} {done.version} is fitted on {done.photos:,} photos; `localsearch reindex` "
        "brings it into a library, without looking at the photos again"
    )
    if done.refused:
        terminal.note(f"{done.refused:,} photos could not be read")
