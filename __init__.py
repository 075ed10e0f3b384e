"""Label texts by walking a large, growing label tree with agents.

>>> from taxonaut import Workspace
>>> with Workspace.open("my-workspace") as workspace:
...     results = workspace.classify(["wireless earbuds with noise cancelling"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taxonaut.state.version import VERSION as __version__

if TYPE_CHECKING:
    from taxonaut import recommend as recommend
    from taxonaut import tools as tools
    from taxonaut.agents.asking import custom_answer
    from taxonaut.conversation.conversation import Conversation
    from taxonaut.conversation.tools.toolbox import WorkspaceTools
    from taxonaut.conversation.tools.toolkit import ToolContext
    from taxonaut.evaluation.attribution import attribute
    from taxonaut.evaluation.harness import aevaluate
    from taxonaut.evaluation.trials.evolution import (
        Evolution,
        EvolutionSettings,
        adopt_prompts,
        alearn_prompts,
        learn_prompts,
    )
    from taxonaut.graphs.assign_vocabulary import assign_vocabulary
    from taxonaut.graphs.build_index import build_index
    from taxonaut.graphs.build_vocabulary import build_vocabulary
    from taxonaut.graphs.categorize import categorize
    from taxonaut.graphs.converse import converse
    from taxonaut.graphs.insert_labels import insert_labels
    from taxonaut.graphs.navigate import navigate
    from taxonaut.graphs.policies import BuildPolicy, VocabularyPolicy, WalkPolicy
    from taxonaut.models.catalog import ModelServices
    from taxonaut.models.embedder import Embedder
    from taxonaut.models.requests import Answers, ModelReply, ModelRequest
    from taxonaut.models.scripted import ScriptedModel
    from taxonaut.models.settings import ModelSettings
    from taxonaut.prompts.eject import eject
    from taxonaut.server.mcp.mcp_server import mcp_app, mcp_server
    from taxonaut.state.db.connection import Database
    from taxonaut.state.errors import (
        InputError,
        ModelError,
        NotFoundError,
        TaxonautError,
        ToolError,
        WorkspaceError,
    )
    from taxonaut.state.ids import ItemId, LabelId, NodeId
    from taxonaut.state.index.diff import IndexDiff, diff
    from taxonaut.state.index.index import Index
    from taxonaut.state.label_mappings import LabelMapping, LabelResolution
    from taxonaut.state.records import (
        Decision,
        Item,
        ItemResult,
        Label,
        Node,
        Prediction,
        ToolSpec,
        Tree,
        TreeNode,
    )
    from taxonaut.state.updates import (
        Answered,
        ChangeProposed,
        ItemFinished,
        LevelStarted,
        Progress,
        Update,
        as_row,
        listening,
    )
    from taxonaut.tools.support.chat_tool import Outcome, Slot, Tool
    from taxonaut.workspace.files.item_files import ItemRow
    from taxonaut.workspace.files.label_files import LabelFile, read_labels
    from taxonaut.workspace.files.sources import Source
    from taxonaut.workspace.files.tables import Row, Table
    from taxonaut.workspace.labels.label_changes import LabelChange
    from taxonaut.workspace.labels.label_match import LabelMatch
    from taxonaut.workspace.labels.label_update import AcceptRule, LabelUpdate, UpdateReport
    from taxonaut.workspace.learn.corrections import Correction
    from taxonaut.workspace.learn.feedback import Feedback, MarkedItem
    from taxonaut.workspace.review.review_queue import ReviewDecision, ReviewQueue
    from taxonaut.workspace.vocabulary.reading import read_vocabulary
    from taxonaut.workspace.vocabulary.semantic_ids import read_semantic_ids
    from taxonaut.workspace.workspace import Workspace

_HOMES = {
    "AcceptRule": "taxonaut.workspace.labels.label_update",
    "Answered": "taxonaut.state.updates",
    "Answers": "taxonaut.models.requests",
    "BuildPolicy": "taxonaut.graphs.policies",
    "ChangeProposed": "taxonaut.state.updates",
    "Conversation": "taxonaut.conversation.conversation",
    "Correction": "taxonaut.workspace.learn.corrections",
    "Database": "taxonaut.state.db.connection",
    "Decision": "taxonaut.state.records",
    "ReviewDecision": "taxonaut.workspace.review.review_queue",
    "ReviewQueue": "taxonaut.workspace.review.review_queue",
    "ToolContext": "taxonaut.conversation.tools.toolkit",
    "Embedder": "taxonaut.models.embedder",
    "Feedback": "taxonaut.workspace.learn.feedback",
    "Evolution": "taxonaut.evaluation.trials.evolution",
    "EvolutionSettings": "taxonaut.evaluation.trials.evolution",
    "Index": "taxonaut.state.index.index",
    "IndexDiff": "taxonaut.state.index.diff",
    "InputError": "taxonaut.state.errors",
    "Item": "taxonaut.state.records",
    "ItemFinished": "taxonaut.state.updates",
    "ItemId": "taxonaut.state.ids",
    "ItemResult": "taxonaut.state.records",
    "ItemRow": "taxonaut.workspace.files.item_files",
    "Label": "taxonaut.state.records",
    "LabelFile": "taxonaut.workspace.files.label_files",
    "LabelChange": "taxonaut.workspace.labels.label_changes",
    "LabelId": "taxonaut.state.ids",
    "LabelMapping": "taxonaut.state.label_mappings",
    "LabelResolution": "taxonaut.state.label_mappings",
    "LabelMatch": "taxonaut.workspace.labels.label_match",
    "LabelUpdate": "taxonaut.workspace.labels.label_update",
    "LevelStarted": "taxonaut.state.updates",
    "MarkedItem": "taxonaut.workspace.learn.feedback",
    "ModelError": "taxonaut.state.errors",
    "ModelReply": "taxonaut.models.requests",
    "ModelRequest": "taxonaut.models.requests",
    "ModelServices": "taxonaut.models.catalog",
    "ModelSettings": "taxonaut.models.settings",
    "Node": "taxonaut.state.records",
    "NodeId": "taxonaut.state.ids",
    "NotFoundError": "taxonaut.state.errors",
    "Outcome": "taxonaut.tools.support.chat_tool",
    "Prediction": "taxonaut.state.records",
    "Progress": "taxonaut.state.updates",
    "Row": "taxonaut.workspace.files.tables",
    "ScriptedModel": "taxonaut.models.scripted",
    "Slot": "taxonaut.tools.support.chat_tool",
    "Source": "taxonaut.workspace.files.sources",
    "Table": "taxonaut.workspace.files.tables",
    "TaxonautError": "taxonaut.state.errors",
    "Tool": "taxonaut.tools.support.chat_tool",
    "ToolError": "taxonaut.state.errors",
    "ToolSpec": "taxonaut.state.records",
    "Tree": "taxonaut.state.records",
    "TreeNode": "taxonaut.state.records",
    "Update": "taxonaut.state.updates",
    "UpdateReport": "taxonaut.workspace.labels.label_update",
    "VocabularyPolicy": "taxonaut.graphs.policies",
    "WalkPolicy": "taxonaut.graphs.policies",
    "Workspace": "taxonaut.workspace.workspace",
    "WorkspaceError": "taxonaut.state.errors",
    "WorkspaceTools": "taxonaut.conversation.tools.toolbox",
    "adopt_prompts": "taxonaut.evaluation.trials.evolution",
    "aevaluate": "taxonaut.evaluation.harness",
    "alearn_prompts": "taxonaut.evaluation.trials.evolution",
    "as_row": "taxonaut.state.updates",
    "assign_vocabulary": "taxonaut.graphs.assign_vocabulary",
    "attribute": "taxonaut.evaluation.attribution",
    "build_index": "taxonaut.graphs.build_index",
    "build_vocabulary": "taxonaut.graphs.build_vocabulary",
    "categorize": "taxonaut.graphs.categorize",
    "converse": "taxonaut.graphs.converse",
    "custom_answer": "taxonaut.agents.asking",
    "diff": "taxonaut.state.index.diff",
    "eject": "taxonaut.prompts.eject",
    "insert_labels": "taxonaut.graphs.insert_labels",
    "learn_prompts": "taxonaut.evaluation.trials.evolution",
    "listening": "taxonaut.state.updates",
    "mcp_app": "taxonaut.server.mcp.mcp_server",
    "mcp_server": "taxonaut.server.mcp.mcp_server",
    "navigate": "taxonaut.graphs.navigate",
    "read_labels": "taxonaut.workspace.files.label_files",
    "read_semantic_ids": "taxonaut.workspace.vocabulary.semantic_ids",
    "read_vocabulary": "taxonaut.workspace.vocabulary.reading",
}

__all__ = [
    "AcceptRule",
    "Answered",
    "Answers",
    "BuildPolicy",
    "ChangeProposed",
    "Conversation",
    "Correction",
    "Database",
    "Decision",
    "Embedder",
    "Evolution",
    "EvolutionSettings",
    "Feedback",
    "Index",
    "IndexDiff",
    "InputError",
    "Item",
    "ItemFinished",
    "ItemId",
    "ItemResult",
    "ItemRow",
    "Label",
    "LabelChange",
    "LabelFile",
    "LabelId",
    "LabelMapping",
    "LabelMatch",
    "LabelResolution",
    "LabelUpdate",
    "LevelStarted",
    "MarkedItem",
    "ModelError",
    "ModelReply",
    "ModelRequest",
    "ModelServices",
    "ModelSettings",
    "Node",
    "NodeId",
    "NotFoundError",
    "Outcome",
    "Prediction",
    "Progress",
    "ReviewDecision",
    "ReviewQueue",
    "Row",
    "ScriptedModel",
    "Slot",
    "Source",
    "Table",
    "TaxonautError",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolSpec",
    "Tree",
    "TreeNode",
    "Update",
    "UpdateReport",
    "VocabularyPolicy",
    "WalkPolicy",
    "Workspace",
    "WorkspaceError",
    "WorkspaceTools",
    "__version__",
    "adopt_prompts",
    "aevaluate",
    "alearn_prompts",
    "as_row",
    "assign_vocabulary",
    "attribute",
    "build_index",
    "build_vocabulary",
    "categorize",
    "converse",
    "custom_answer",
    "diff",
    "eject",
    "insert_labels",
    "learn_prompts",
    "listening",
    "mcp_app",
    "mcp_server",
    "navigate",
    "read_labels",
    "read_semantic_ids",
    "read_vocabulary",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for; `import taxonaut` alone loads nothing heavy."""
    if name in ("recommend", "tools"):
        return import_module(f"taxonaut.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'taxonaut' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
