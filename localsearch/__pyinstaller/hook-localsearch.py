"""What a frozen program needs of localsearch beside what its imports show.

Rooms are imported when they are first asked for, by name; the built-in model lies in the package,
or, in a checkout, beside it.
"""

from pathlib import Path

from PyInstaller.utils.hooks import (
    collect_data_files,
    collect_dynamic_libs,
    collect_submodules,
    get_package_paths,
)

# The command line (typer, rich) is left to programs that import it.
hiddenimports = [
    *collect_submodules(
        "localsearch",
        filter=lambda name: not name.startswith(("localsearch.cli", "localsearch.__pyinstaller")),
    ),
    "pi_heif",
    "hnswlib",
]
excludedimports = ["localsearch.cli", "typer", "rich"]
binaries = collect_dynamic_libs("onnxruntime")


def _packs() -> list[tuple[str, str]]:
    house = Path(get_package_paths("localsearch")[1])
    for packs in (house / "_packs", house.parent / "weights"):
        found = [folder for folder in packs.glob("*") if (folder / "pack.toml").is_file()]
        if found:
            beside = [(str(one), "localsearch/_packs") for one in packs.glob("catalogue.toml")]
            return [(str(folder), f"localsearch/_packs/{folder.name}") for folder in found] + beside
    return []


datas = [*_packs(), *collect_data_files("localsearch.clarifai")]
