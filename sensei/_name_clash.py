"""Noticing the unrelated package `sensei`, which installs into the same folder as `sensei-sdk`."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path


class ShadowedPackageWarning(RuntimeWarning):
    """The unrelated package `sensei` is installed beside this one, and may have overwritten files of it."""


def has_unrelated_package(folder: Path) -> bool:
    """True when `folder` holds the metadata of a distribution named `sensei`."""
    return any(folder.glob("sensei-[0-9]*.dist-info"))


@cache
def warn_about_name_clash() -> None:
    """Warn, once, when the unrelated package is installed where this one is."""
    if has_unrelated_package(Path(__file__).parent.parent):
        warnings.warn(
            "the unrelated package 'sensei' is installed in the same folder and may overwrite files of sensei-sdk: "
            "pip uninstall sensei, then pip install --force-reinstall sensei-sdk",
            ShadowedPackageWarning,
            stacklevel=3,
        )
