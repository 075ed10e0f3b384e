"""What a workspace's folder holds: the names of its files and folders."""

SETTINGS_FILE = "taxonaut.toml"
"""The file that makes a folder a workspace."""

INDEX_FILE = "index.duckdb"
THREADS_FILE = "threads.sqlite"
PHRASES_FILE = "phrases.sqlite"
"""Vectors of phrases, a cache; it may be deleted at any time."""

HISTORY_FILE = "chat_history"
PROMPTS_FOLDER = "prompts"
EXPERTS_FOLDER = "experts"
REVIEW_FOLDER = "review"
LEARNED_FOLDER = "learned"
DISTRIBUTIONS_FOLDER = "distributions"
CALIBRATION_FILE = "calibration.json"
SERVICE_FILE = "service.json"
"""Where `taxonaut serve` listens, while it runs."""

JOBS_FOLDER = "jobs"
"""What was asked of `taxonaut serve` as jobs, and what they gave; finished ones may be deleted."""

MAPS_FOLDER = "maps"
"""Maps of items and labels; it may be deleted at any time."""

SCRATCH_FOLDER = "scratch"
"""Indexes of `evaluate`; it may be deleted at any time."""

OTHER_PARTS = (
    f"{INDEX_FILE}.wal",
    PROMPTS_FOLDER,
    EXPERTS_FOLDER,
    REVIEW_FOLDER,
    LEARNED_FOLDER,
    DISTRIBUTIONS_FOLDER,
    CALIBRATION_FILE,
    SERVICE_FILE,
    JOBS_FOLDER,
    MAPS_FOLDER,
    THREADS_FILE,
    PHRASES_FILE,
    SCRATCH_FOLDER,
    HISTORY_FILE,
)
"""What may be there besides index and settings."""


def is_workspace_part(name: str) -> bool:
    """Return whether a workspace keeps something of its own under this name, upper and lower case alike."""
    name = name.casefold()
    own = (SETTINGS_FILE, INDEX_FILE, *OTHER_PARTS)
    return name in own or name.startswith((f"{INDEX_FILE}.", f"{THREADS_FILE}-", f"{PHRASES_FILE}-"))
