"""Every error taxonaut raises on purpose.

    TaxonautError
    ├── InputError          invalid user input: a file, a column, an option, a setting
    │   ├── CycleError      a cycle in the parents of nodes
    │   └── TemplateError   an invalid prompt template
    ├── WorkspaceError      the folder or its index.duckdb cannot be used
    │   ├── LockedError     another program or version has it open
    │   ├── SchemaError     the file was written by a newer taxonaut
    │   ├── DiskError       no room left, or no permission
    │   └── UntrustedError  it names servers that the user did not confirm on this machine
    ├── NotFoundError       an unknown id
    ├── MissingExtraError   an optional dependency is not installed
    ├── ToolError           an invalid tool call; the message is addressed to the model
    ├── BudgetSpentError    the next request would pass the budget
    └── ModelError          no usable reply from a model
        ├── ModelNotFoundError    unknown model, or weights not on this machine
        │   └── WeightsMissingError  of a model that `taxonaut models pull` downloads
        ├── VectorsChangedError   an embedder whose vectors are no longer those stored for it
        ├── ModelUnavailableError the server failed or did not answer in any attempt
        ├── ModelTimeoutError     the deadline of the request passed
        └── ModelReplyError       the model replied, but never with a valid tool call

The first line of each message says what was given (`!r`), what is allowed, and what to do next.
"""

from collections.abc import Mapping
from typing import Any


class TaxonautError(Exception):
    """Base of every error raised on purpose; the command line prints it without a traceback."""

    exit_code = 1


class InputError(TaxonautError):
    """Invalid user input: a file, a column, an option, a setting."""

    exit_code = 2


class CycleError(InputError):
    """A cycle in the parents of nodes."""


class TemplateError(InputError):
    """An invalid prompt template.

    `template` is its name, `block` the rendered block, `reason` the bare cause within the message. `file` is named
    as templates name it, `line` counts from 1; "" and 0 if unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        template: str = "",
        block: str = "",
        reason: str = "",
        file: str = "",
        line: int = 0,
    ) -> None:
        super().__init__(message)
        self.template = template
        self.block = block
        self.reason = reason or message
        self.file = file
        self.line = line


class WorkspaceError(TaxonautError):
    """The workspace cannot be used."""

    exit_code = 3


class LockedError(WorkspaceError):
    """A process that does not share the workspace has it open: another program, version or machine."""


class SchemaError(WorkspaceError):
    """The index was written by a newer taxonaut."""


class DiskError(WorkspaceError):
    """There is no room or no permission to write."""


class UntrustedError(WorkspaceError):
    """The settings name servers or key variables that the user did not confirm on this machine."""


class NotFoundError(TaxonautError):
    """An unknown id."""

    exit_code = 2


class MissingExtraError(TaxonautError):
    """An optional dependency is not installed; `instead` says what works without it."""

    exit_code = 5

    def __init__(self, package: str, extra: str, instead: str = "") -> None:
        way_out = f"pip install 'taxonaut[{extra}]'"
        super().__init__(
            f"{package} is not installed; install it with: {way_out}{f'; or {instead}' if instead else ''}"
        )


class ToolError(TaxonautError):
    """An invalid tool call; the message tells the model how to correct it."""


class BudgetSpentError(TaxonautError):
    """The next request to a language model would pass the budget; replies that came are kept."""

    exit_code = 9


class ModelError(TaxonautError):
    """No usable reply from a model.

    `turns` are the faulty replies and what was said about them, as in `ModelReply`; `transcript` is what was sent,
    a `Transcript`.
    """

    exit_code = 4
    turns: "tuple[Mapping[str, Any], ...]" = ()
    transcript: Any = None


class ModelNotFoundError(ModelError):
    """Unknown model, or its weights are not on this machine."""


class WeightsMissingError(ModelNotFoundError):
    """The weights of a packaged model are not on this machine. `size` is what they take on the disk, in bytes."""

    def __init__(self, name: str, size: int, directory: str) -> None:
        super().__init__(
            f"the weights of {name!r} are not in {directory}; get them with: taxonaut models pull {name}"
        )
        self.name, self.size = name, size


class VectorsChangedError(ModelError):
    """An embedder gives vectors of another length than those that are stored for it."""

    def __init__(self, name: str, given: int, stored: int) -> None:
        super().__init__(
            f"{name!r} gives vectors of {given:,} numbers, and those stored for it have {stored:,}: it is another "
            "model now. Embed the labels again with it: taxonaut models embed --again; until then the stored ones "
            "stay"
        )


class ModelUnavailableError(ModelError):
    """The server failed or did not answer in any attempt."""


class ModelTimeoutError(ModelError):
    """The deadline of the request passed."""


class ModelReplyError(ModelError):
    """The model replied, but never with a valid tool call."""
