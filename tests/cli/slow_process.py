"""The command line with an embedder that takes its time: for tests that stop a real process."""

import time
from collections.abc import Sequence

from conftest import HashEmbedder

from taxonaut.cli.main import main
from taxonaut.models.embedder import Matrix
from taxonaut.workspace.core import container as wiring


class SlowEmbedder(HashEmbedder):
    """Takes 5 ms a text, in a thread, as a real one does."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        time.sleep(0.005 * len(texts))
        return super().embed(texts)


if __name__ == "__main__":
    wiring.open_embedder = lambda settings: SlowEmbedder()
    main()
