"""Log records as JSON lines without secrets, for programs that collect them."""

import json
import logging
import sys
from datetime import UTC, datetime

from taxonaut.models.llm.redaction import redact
from taxonaut.state.errors import InputError

VARIABLE = "TAXONAUT_LOG"
"""The environment variable with the level from which the command line logs."""

LEVELS = ("debug", "info", "warning", "error")


class JsonLines(logging.Formatter):
    """Formats a record as a line of JSON; what an error says is left out, as it may quote a text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line: time, level, logger, message, and the values given as `extra={"taxonaut": …}`."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "taxonaut", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        safe = {
            name: value if isinstance(value, int | float | None) else redact(str(value))
            for name, value in line.items()
        }
        return json.dumps(safe)


def log_as_json(level: str) -> None:
    """Write what the loggers below `taxonaut` say to standard error, from a level on.

    Calling it again replaces the level and the stream. Raises InputError for an unknown level.
    """
    if level.casefold() not in LEVELS:
        raise InputError(f"{VARIABLE} is {level!r}; give one of {', '.join(LEVELS)}")
    logger = logging.getLogger("taxonaut")
    for old in [each for each in logger.handlers if isinstance(each.formatter, JsonLines)]:
        logger.removeHandler(old)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
