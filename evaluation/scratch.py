"""Scratch workspaces for building other indexes, sharing models and embeddings with the original workspace."""

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
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.settings import ModelSettings
from taxonaut.prompts.variables import FOR_DEMONSTRATIONS, FOR_LEARNING
from taxonaut.state.errors import ModelReplyError, WorkspaceError
from taxonaut.state.records import Label
from taxonaut.state.workspace_folder import INDEX_FILE, SCRATCH_FOLDER
from taxonaut.workspace.core.config import ModelsConfig
from taxonaut.workspace.workspace import Workspace

BUILD_WITHOUT_AGENTS = "kmeans"
"""The build method that needs no agent."""

BUILD_AGENTS = ("architect", "annotator")
"""Agents that build indexes; their templates count in a scratch workspace's name."""

NO_TREE = "empty"
"""`Index.tree_method()` of an index without a tree."""

CACHED_TEXTS = 65_536
"""Vectors cached in memory by one evaluation: about 100 MB at 384 dimensions."""


class CachingEmbedder:
    """An embedder with an in-memory cache, shared by all scratch workspaces of a process."""

    def __init__(self, embedder: Embedder, limit: int = CACHED_TEXTS) -> None:
        self.embedder = embedder
        self.name = embedder.name
        self.cache = VectorCache(embedder.embed, limit)

    @property
    def dimension(self) -> int:
        """The dimension of the vectors."""
        return self.embedder.dimension

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors (n, d), cached ones from memory."""
        return self.cache.get(texts) if texts else self.embedder.embed(texts)

    def close(self) -> None:
        """Close the wrapped embedder, if it can be closed."""
        close = getattr(self.embedder, "close", None)
        if close is not None:
            close()


def cache_vectors(workspace: Workspace) -> None:
    """Wrap all encoders of a workspace, which its scratch workspaces share, in `CachingEmbedder`."""
    wiring, models = workspace.wiring, workspace.config.models
    roles: list[ModelSettings] = [getattr(models, role) for role in type(models).model_fields]
    wanted = [workspace.config.embeddings]
    wanted += [encoder_embedder(role) for role in roles if role.provider == ENCODER]
    for settings in wanted:
        embedder = wiring.base_embedder(settings)
        if not isinstance(embedder, CachingEmbedder):
            wiring.embedders[wiring.embedder_key(settings)] = CachingEmbedder(embedder)


def flat_labels(workspace: Workspace) -> list[Label]:
    """Return the labels as a flat set; labels of an imported tree are named by their path.

    They are then compared by the same texts as in the original workspace (`agents.texts.label_text`).
    """
    texts = workspace.wiring.label_texts()
    return [
        replace(label, name=texts[label.id]) if PATH_SEPARATOR in texts[label.id] else label
        for label in workspace.index.all_labels()
    ]


def workspace_path(
    workspace: Workspace,
    name: str,
    labels: Sequence[Label],
    settings: Mapping[str, Any],
    *,
    asked: bool = False,
) -> Path:
    """Return the folder of a scratch workspace, named by a hash of its content.

    `asked`: agents take part in building the index, so their models, settings and templates are hashed too.
    """
    parts = [[label.id, label.name, label.description] for label in labels]
    made: list[Any] = [parts, settings, workspace.config.embeddings.model]
    made += workspace.learned_identity.values()
    if asked:
        unasked = {role: {"max_reply_mb"} for role in ModelsConfig.model_fields}
        made.append(
            workspace.config.model_dump(
                mode="json", include={"task", "models", "build"}, exclude={"models": unasked}
            )
        )
        unread = FOR_LEARNING | FOR_DEMONSTRATIONS
        names = (name for name in workspace.prompts.names() if name not in unread)
        makers = [each for each in names if each.partition("/")[0] in BUILD_AGENTS]
        made.append({each: workspace.prompts.hash(each) for each in makers})
    content = json.dumps(made, sort_keys=True, default=str)
    return workspace.folder / SCRATCH_FOLDER / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:10]}"


@contextmanager
def open_workspace(workspace: Workspace, path: Path) -> Iterator[Workspace]:
    """Open a scratch workspace, or create an empty one.

    It shares settings, templates, open models, embeddings and cached replies with `workspace`, and has its own
    labels, tree, items and runs.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"cannot create a scratch workspace in {str(path)!r}: {error.strerror}"
        ) from None
    made = Workspace.on(path, workspace.config)
    made = replace(made, prompts=workspace.prompts, wiring=workspace.wiring.with_index(made.index))
    try:
        yield made
    finally:
        made.database.close()


async def build_tree(
    scratch: Workspace,
    labels: Sequence[Label],
    method: str,
    settings: Mapping[str, Any],
) -> None:
    """Add labels to a scratch workspace and build its tree, unless that is done.

    Raises ModelReplyError, without a tree, if a request of the build got no usable answer.
    """
    if not scratch.index.label_ids():
        scratch.index.add_labels(labels)
    if scratch.index.tree_method() == NO_TREE:
        await scratch.abuild_index(method, **settings)
        if scratch.last_build is not None and scratch.last_build.failed:
            scratch.index.undo()
            raise ModelReplyError(
                "a request of the build for this evaluation got no usable answer: "
                f"{next(iter(scratch.last_build.failed.values()))} — run the same command again to ask for it"
            )


def copy_index(source: Path, target: Path) -> None:
    """Copy the index of a closed scratch workspace; an incomplete copy is replaced."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copy2(source / INDEX_FILE, target / INDEX_FILE)
