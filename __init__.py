"""Label texts by walking a large, growing label tree with agents.

>>> from taxonaut import Workspace
>>> with Workspace.open("my-workspace") as workspace:
...     results = workspace.classify(["wireless earbuds with noise cancelling"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taxonaut.state.version import VERSION as __version__

if TYPE_CHECKING:
    from taxonaut.graphs.assign_vocabulary import assign_vocabulary
    from taxonaut.graphs.build_index import build_index
    from taxonaut.graphs.build_vocabulary import build_vocabulary
    from taxonaut.graphs.categorize import categorize
    from taxonaut.graphs.converse import converse
    from taxonaut.graphs.insert_labels import insert_labels
    from taxonaut.graphs.navigate import navigate
    from taxonaut.graphs.policies import BuildPolicy, VocabularyPolicy, WalkPolicy
    from taxonaut.graphs.progress import listening
    from taxonaut.models.scripted import ScriptedModel
    from taxonaut.state.errors import (
        InputError,
        ModelError,
        NotFoundError,
        TaxonautError,
        ToolError,
        WorkspaceError,
    )
    from taxonaut.state.records import Decision, Item, ItemResult, Label, Node, Prediction
    from taxonaut.workspace.workspace import Workspace

_HOMES = {
    "BuildPolicy": "taxonaut.graphs.policies",
    "Decision": "taxonaut.state.records",
    "InputError": "taxonaut.state.errors",
    "Item": "taxonaut.state.records",
    "ItemResult": "taxonaut.state.records",
    "Label": "taxonaut.state.records",
    "ModelError": "taxonaut.state.errors",
    "Node": "taxonaut.state.records",
    "NotFoundError": "taxonaut.state.errors",
    "Prediction": "taxonaut.state.records",
    "ScriptedModel": "taxonaut.models.scripted",
    "TaxonautError": "taxonaut.state.errors",
    "ToolError": "taxonaut.state.errors",
    "VocabularyPolicy": "taxonaut.graphs.policies",
    "WalkPolicy": "taxonaut.graphs.policies",
    "Workspace": "taxonaut.workspace.workspace",
    "WorkspaceError": "taxonaut.state.errors",
    "assign_vocabulary": "taxonaut.graphs.assign_vocabulary",
    "build_index": "taxonaut.graphs.build_index",
    "build_vocabulary": "taxonaut.graphs.build_vocabulary",
    "categorize": "taxonaut.graphs.categorize",
    "converse": "taxonaut.graphs.converse",
    "insert_labels": "taxonaut.graphs.insert_labels",
    "listening": "taxonaut.graphs.progress",
    "navigate": "taxonaut.graphs.navigate",
}

__all__ = [
    "BuildPolicy",
    "Decision",
    "InputError",
    "Item",
    "ItemResult",
    "Label",
    "ModelError",
    "Node",
    "NotFoundError",
    "Prediction",
    "ScriptedModel",
    "TaxonautError",
    "ToolError",
    "VocabularyPolicy",
    "WalkPolicy",
    "Workspace",
    "WorkspaceError",
    "__version__",
    "assign_vocabulary",
    "build_index",
    "build_vocabulary",
    "categorize",
    "converse",
    "insert_labels",
    "listening",
    "navigate",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for; `import taxonaut` alone loads nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'taxonaut' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
