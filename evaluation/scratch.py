"""Workspaces beside a person's own, to build other indexes in: theirs is untouched, nothing is embedded twice."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from taxonaut.agents.support.texts import PATH_SEPARATOR
from taxonaut.models.catalog import ENCODER, encoder_embedder
from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.encoder.scorer import VectorCache
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import WorkspaceError
from taxonaut.state.records import Label
from taxonaut.workspace.core.core import INDEX_FILE
from taxonaut.workspace.workspace import Workspace

PLAIN_BUILD = "kmeans"
"""The way of building that asks no agent."""

FOLDER = "scratch"
"""Below the person's workspace; it may be deleted at any time."""

MAKERS = ("architect", "annotator")
"""Agents that make indexes."""

NO_TREE = "empty"
"""What an index calls the way its tree was made before there is one."""

REMEMBERED = 65_536
"""Texts whose vectors one evaluation keeps in memory, some 100 MB at 384 numbers each."""


class Remembering:
    """An embedder that embeds no text twice in one process, whichever index the text is compared with."""

    def __init__(self, embedder: Embedder, limit: int = REMEMBERED) -> None:
        self.embedder = embedder
        self.name = embedder.name
        self.cache = VectorCache(embedder.embed, limit)

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self.embedder.dimension

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors (n, d), of texts seen before from memory."""
        return self.cache.get(texts) if texts else self.embedder.embed(texts)

    def close(self) -> None:
        """Free the embedder behind it, if it lives in this process."""
        close = getattr(self.embedder, "close", None)
        if close is not None:
            close()


def remember(workspace: Workspace) -> None:
    """Let all of a workspace's encoders keep the vectors of texts, its own and those of its scratch copies."""
    wiring, models = workspace.wiring, workspace.config.models
    roles: list[ModelSettings] = [getattr(models, role) for role in type(models).model_fields]
    wanted = [workspace.config.embeddings]
    wanted += [encoder_embedder(role) for role in roles if role.provider == ENCODER]
    for settings in wanted:
        embedder = wiring.embedder_of(settings)
        if not isinstance(embedder, Remembering):
            wiring.embedders[wiring.embedder_key(settings)] = Remembering(embedder)


def plain_labels(workspace: Workspace) -> list[Label]:
    """Return the labels as a flat set: one from a person's own tree is named by its path.

    They are compared by the same texts then as in the person's workspace (`agents.texts.label_text`).
    """
    texts = workspace.wiring.label_texts()
    return [
        replace(label, name=texts[label.id]) if PATH_SEPARATOR in texts[label.id] else label
        for label in workspace.index.all_labels()
    ]


def folder(
    workspace: Workspace,
    name: str,
    labels: Sequence[Label],
    settings: Mapping[str, Any],
    *,
    asked: bool = False,
) -> Path:
    """Return where a scratch workspace of this content lies: another content, another folder.

    `asked`: agents take part in making the index, so that their models, settings and templates count.
    """
    parts = [[label.id, label.name, label.description] for label in labels]
    made: list[Any] = [parts, settings, workspace.config.embeddings.model]
    if asked:
        made.append(workspace.config.model_dump(mode="json", include={"task", "models", "build"}))
        makers = [each for each in workspace.prompts.names() if each.partition("/")[0] in MAKERS]
        made.append({each: workspace.prompts.hash(each) for each in makers})
    content = json.dumps(made, sort_keys=True, default=str)
    return workspace.folder / FOLDER / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:10]}"


@contextmanager
def opened(workspace: Workspace, path: Path) -> Iterator[Workspace]:
    """Open a scratch workspace, or make an empty one.

    It has the person's settings, templates, opened models, embeddings and kept replies; labels, tree, items
    and runs of its own.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(f"cannot make a scratch workspace in {str(path)!r}: {error.strerror}") from None
    made = Workspace.on(path, workspace.config)
    made = replace(made, prompts=workspace.prompts, wiring=workspace.wiring.over(made.index))
    try:
        yield made
    finally:
        made.database.close()


async def build(
    scratch: Workspace,
    labels: Sequence[Label],
    method: str,
    settings: Mapping[str, Any],
) -> None:
    """Put labels into a scratch workspace and build its tree, unless a former call did."""
    if not scratch.index.label_ids():
        scratch.index.add_labels(labels)
    if scratch.index.tree_method() == NO_TREE:
        await scratch.abuild_index(method, settings)


def copied(source: Path, target: Path) -> None:
    """Copy a closed scratch workspace's index; what was left of a broken copy is replaced."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copy2(source / INDEX_FILE, target / INDEX_FILE)
