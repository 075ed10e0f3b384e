"""Which errors of agents end a build, and how the others are told."""

from collections.abc import Iterable

from taxonaut.state.errors import ModelError, ModelReplyError


def first_grave(errors: Iterable[ModelError | None]) -> ModelError | None:
    """Return the first error that another try would not mend; a reply that is no valid call is only a bad try."""
    return next((error for error in errors if error and not isinstance(error, ModelReplyError)), None)


def said(error: ModelError | None) -> tuple[str, ...]:
    """Return an error as one of the problems of what was tried."""
    return () if error is None else (str(error),)
