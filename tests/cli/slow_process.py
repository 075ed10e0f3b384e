"""The command line with an embedder that takes its time: for tests that stop a real process."""

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes import FakeEmbedder, packaged_embedder

from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions

QUICK = packaged_embedder()


def slowly(text: str) -> Any:
    """Take 5 ms a text, in a thread, as a real one does."""
    time.sleep(0.005)
    return QUICK.vector(text)


if __name__ == "__main__":
    app(obj=GlobalOptions(embedder=FakeEmbedder(QUICK.name, QUICK.dimension, slowly)))
