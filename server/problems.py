"""Errors as RFC 9457 problems: the sentence that the command line prints, and never a stack trace."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from taxonaut.state import errors
from taxonaut.state.errors import TaxonautError

PROBLEM_JSON = "application/problem+json"

_LOGGER = logging.getLogger("taxonaut.server")

_STATUS: Mapping[type[TaxonautError], int] = {
    errors.InputError: 422,
    errors.ToolError: 422,
    errors.NotFoundError: 404,
    errors.UntrustedError: 403,
    errors.LockedError: 503,
    errors.DiskError: 507,
    errors.WorkspaceError: 409,
    errors.MissingExtraError: 501,
    errors.ModelTimeoutError: 504,
    errors.ModelUnavailableError: 503,
    errors.ModelError: 502,
    TaxonautError: 500,
}

_TITLES = {
    400: "The request cannot be read",
    401: "A token is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The request did not arrive in time",
    409: "Conflict",
    413: "Too large",
    422: "Invalid input",
    429: "Too many requests",
    500: "Unexpected error",
    501: "An optional package is missing",
    502: "A model gave no answer",
    503: "Not available now",
    504: "No answer in time",
    507: "No room left",
}


class Problem(BaseModel):
    """What went wrong (RFC 9457). `detail` says what was given, what is allowed and what to do next.

    `error` is the class of Python's exception, such as `NotFoundError`.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    error: str = ""


class ProblemError(Exception):
    """An answer of the service itself, such as 413 or 429."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def status_of(error: TaxonautError) -> int:
    """Return the HTTP status of an error, by its class or the nearest above it."""
    return next(_STATUS[each] for each in type(error).__mro__ if each in _STATUS)


def problem_of(error: Exception) -> Problem:
    """Return the problem that an exception is; what was not raised on purpose says nothing of itself."""
    if isinstance(error, ProblemError):
        return problem(error.status, error.detail)
    if isinstance(error, TaxonautError):
        return problem(status_of(error), str(error), type(error).__name__)
    return problem(500, f"unexpected error ({type(error).__name__}); the service's log says where")


def problem(status: int, detail: str, error: str = "") -> Problem:
    """Make a problem with the title of its status."""
    return Problem(title=_TITLES.get(status, "Error"), status=status, detail=detail, error=error)


def problem_response(found: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a problem as a response."""
    more = dict(headers or {})
    if found.status in (429, 503):
        more.setdefault("Retry-After", "1")
    return JSONResponse(found.model_dump(), found.status, more, media_type=PROBLEM_JSON)


def describe_validation(error: RequestValidationError) -> str:
    """Say which parts of a request are not as they must be, in one sentence."""
    said = []
    for each in error.errors()[:5]:
        where = ".".join(str(step) for step in each["loc"])
        said.append(f"{where}: {str(each['msg']).removeprefix('Value error, ')}")
    more = len(error.errors()) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def answer_problems(app: FastAPI) -> None:
    """Let an application answer every exception with a problem."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        return problem_response(problem_of(error), getattr(error, "headers", None))

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem_response(problem(422, describe_validation(error)))

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        detail = str(error.detail)
        if error.status_code == 404:
            detail = "there is nothing at this address; GET /api/docs lists what there is"
        return problem_response(problem(error.status_code, detail), error.headers)

    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        _LOGGER.error("unexpected error", exc_info=error)
        return problem_response(problem_of(error))

    app.add_exception_handler(TaxonautError, ours)
    app.add_exception_handler(ProblemError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)


RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong.",
        "content": {PROBLEM_JSON: {"schema": Problem.model_json_schema()}},
    }
}
"""What every path may answer besides its own answer."""
