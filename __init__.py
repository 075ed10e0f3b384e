"""Label texts by walking a large, growing label tree with agents.

>>> from taxonaut import Workspace
>>> with Workspace.open("my-workspace") as workspace:
...     results = workspace.classify(["wireless earbuds with noise cancelling"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

__version__ = "0.1.0"

_HOMES = {
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
    "Workspace": "taxonaut.workspace.workspace",
    "WorkspaceError": "taxonaut.state.errors",
}

__all__ = [
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
    "Workspace",
    "WorkspaceError",
    "__version__",
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
