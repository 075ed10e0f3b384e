"""The command line with an embedder that takes its time: for tests that stop a real process."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes import FakeEmbedder, packaged_embedder

from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.models.embedder import Matrix


class SlowEmbedder(FakeEmbedder):
    """Takes 5 ms a text, in a thread, as a real one does."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        time.sleep(0.005 * len(texts))
        return super().embed(texts)


if __name__ == "__main__":
    quick = packaged_embedder()
    app(obj=GlobalOptions(embedder=SlowEmbedder(quick.name, quick.dimension, quick.vector)))
