"""Tells PyInstaller where the hook lies that freezes a program with localsearch in it.

Imported by PyInstaller alone, by the entry point `pyinstaller40`.
"""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """The folder with `hook-localsearch.py`."""
    return [str(Path(__file__).parent)]
