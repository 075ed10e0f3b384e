"""The assistant that a workspace's settings name: an encoder that chooses tools, or a language model that talks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taxonaut.agents.assistant import Assistant
    from taxonaut.tools.toolbox import Toolbox
    from taxonaut.workspace.workspace import Workspace


def assistant_of(workspace: "Workspace") -> "Assistant":
    """Return the assistant of `[models.assistant]`."""
    raise NotImplementedError


def toolbox_of(workspace: "Workspace") -> "Toolbox":
    """Return the tools over a workspace."""
    made: Any = import_module("taxonaut.conversation.toolbox")
    return made.WorkspaceToolbox(workspace)
