"""Every error taxonaut raises on purpose.

    TaxonautError
    ├── InputError          what the person gave cannot be used: a file, a column, an option, a setting
    │   ├── CycleError      parents that lead back to themselves
    │   └── TemplateError   what an agent is told: a template that cannot be used
    ├── WorkspaceError      the folder or its index.duckdb cannot be used
    │   ├── LockedError     another process is writing
    │   ├── SchemaError     the file was written by a newer taxonaut
    │   └── DiskError       no room left, or no permission
    ├── NotFoundError       an id that the index does not have
    ├── MissingExtraError   an optional dependency is not installed
    ├── ToolError           a tool call cannot be carried out; the message is for the model that made it
    └── ModelError          no usable answer came from a model
        ├── ModelNotFoundError    there is no such model, or its weights are not here
        ├── ModelUnavailableError the server refused, broke off or stayed silent through every retry
        ├── ModelTimeoutError     the deadline of the request passed
        └── ModelReplyError       it answered, but never with a valid tool call

The first line of each message says what was given (`!r`), what is allowed, and what to do next.
"""


class TaxonautError(Exception):
    """Base of every error raised on purpose; the command line prints it without a traceback."""

    exit_code = 1


class InputError(TaxonautError):
    """What the person gave cannot be used."""

    exit_code = 2


class CycleError(InputError):
    """Parents lead back to themselves."""


class TemplateError(InputError):
    """A template cannot be used, and why.

    `template` is its name and `block` the block that was rendered; `reason` is the message without what surrounds it.
    `file` is as templates name it, `line` counts from 1; "" and 0 where nothing is known.
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
    """Another process has the workspace open for writing."""


class SchemaError(WorkspaceError):
    """The index was written by a newer taxonaut."""


class DiskError(WorkspaceError):
    """There is no room or no permission to write."""


class NotFoundError(TaxonautError):
    """The index does not have this id."""

    exit_code = 2


class MissingExtraError(TaxonautError):
    """An optional dependency is not installed."""

    exit_code = 5

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'taxonaut[{extra}]'")


class ToolError(TaxonautError):
    """A tool call cannot be carried out; the message tells the model how to call it."""


class ModelError(TaxonautError):
    """No usable answer came from a model."""

    exit_code = 4


class ModelNotFoundError(ModelError):
    """There is no such model, or its weights are not on this machine."""


class ModelUnavailableError(ModelError):
    """The server refused, broke off or failed through every retry."""


class ModelTimeoutError(ModelError):
    """The deadline of the request passed."""


class ModelReplyError(ModelError):
    """The model answered, but never with a valid tool call."""
