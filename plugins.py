"""Extension points: what another package can add, one signature each (docs/plugins.md).

A package names a function in its pyproject.toml, and is found when it is installed:

    [project.entry-points."taxonaut.models"]
    acme = "taxonaut_acme:open_model"        # answers for model = "acme/…" in taxonaut.toml

The models, tools, policies and readers of taxonaut itself are registered in the same way.
"""

from collections.abc import Sequence
from typing import Protocol

from taxonaut.conversation.tools.toolkit import ToolContext
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.models.catalog import ModelServices
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.tools.support.chat_tool import Tool
from taxonaut.workspace.files.sources import Source
from taxonaut.workspace.files.tables import Table


class OpenModel(Protocol):
    """`taxonaut.models`: open the model of a role; the entry point's name is the provider in `provider/model`."""

    def __call__(self, settings: ModelSettings, services: ModelServices) -> Answers: ...


class MakeTools(Protocol):
    """`taxonaut.tools`: make tools of a conversation over `context.workspace`; they change nothing."""

    def __call__(self, context: ToolContext) -> Sequence[Tool]: ...


Policy = type[WalkPolicy]
"""`taxonaut.policies`: a subclass of `WalkPolicy`; `policy = "name"` in the table `[walk]` chooses it."""


class ReadTable(Protocol):
    """`taxonaut.readers`: read a file as rows; the name is its format and its suffix.

    `plain` is the column that bare texts get.
    """

    def __call__(self, source: Source, plain: str) -> Table: ...
