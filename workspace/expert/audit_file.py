"""The audit file of a trained expert: both experts' answers for each item, and the proposed threshold."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from taxonaut.state.errors import DiskError, NotFoundError, WorkspaceError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Recommendation
from taxonaut.state.records import Item
from taxonaut.state.workspace_folder import EXPERTS_FOLDER
from taxonaut.workspace.core.core import Core

FILE_NAME = "audit.json"


@dataclass(frozen=True, slots=True)
class Audited:
    """Both experts' answers for one item. `gold` is empty if its category is unknown.

    `said` is the general expert's answer, None if the domain expert had no candidates to choose from.
    """

    item: Item
    gold: tuple[LabelId, ...]
    recommended: Recommendation
    said: JudgedItem | None

    @property
    def domain(self) -> LabelId | None:
        """The domain expert's category, None without candidates."""
        return self.recommended.labels[0] if self.recommended.labels else None

    @property
    def general(self) -> LabelId | None:
        """The general expert's category, None if it chose none."""
        return self.said.label if self.said is not None else None


@dataclass(frozen=True)
class Audit:
    """The last audit of an expert.

    `fingerprint` is that of the categorizations it applies to, `made` its time (ISO 8601, UTC), `source` the
    audited file, `seed` that of the sample. `threshold` is the proposed one, or None; `proposal` has its details.
    `trained_on` counts items that the expert was trained on; with more than a few there is no threshold.
    """

    expert: int
    fingerprint: str
    made: str
    source: str
    seed: int
    rows: tuple[Audited, ...]
    threshold: float | None = None
    proposal: Mapping[str, Any] = field(default_factory=dict)
    trained_on: int = 0


def audit_path(workspace: Core, expert: int) -> Path:
    """Return the path of an expert's audit file."""
    return workspace.folder / EXPERTS_FOLDER / str(expert) / FILE_NAME


def save_audit(workspace: Core, audit: Audit) -> Path:
    """Save an audit, replacing the former one atomically. Raises DiskError."""
    path = audit_path(workspace, audit.expert)
    text = json.dumps(asdict(audit), ensure_ascii=True)
    part = path.with_name(f".{FILE_NAME}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    return path


def load_audit(workspace: Core, expert: int) -> Audit | None:
    """Load an expert's audit, None if there is none. Raises WorkspaceError for a damaged file."""
    path = audit_path(workspace, expert)
    if not path.is_file():
        return None
    try:
        return parse_audit(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WorkspaceError(
            f"cannot read {str(path)!r} ({type(error).__name__}: {error}); remove it and audit again: "
            "taxonaut expert audit ITEMS"
        ) from None


def require_audit(workspace: Core, expert: int) -> Audit:
    """Load an expert's audit. Raises NotFoundError if there is none."""
    audit = load_audit(workspace, expert)
    if audit is None:
        raise NotFoundError(
            f"expert {expert} has not been audited; run: taxonaut expert audit ITEMS --expert {expert}"
        )
    return audit


def parse_audit(values: Mapping[str, Any]) -> Audit:
    """Return an audit from the JSON values of its file."""
    return Audit(**{**values, "rows": tuple(map(parse_audited, values["rows"]))})


def parse_audited(values: Mapping[str, Any]) -> Audited:
    """Return one item of an audit from JSON values."""
    said = values["said"]
    return Audited(
        Item(ItemId(values["item"]["id"]), values["item"]["text"]),
        tuple(map(LabelId, values["gold"])),
        parse_recommendation(values["recommended"]),
        None if said is None else parse_judgement(said),
    )


def parse_recommendation(values: Mapping[str, Any]) -> Recommendation:
    """Return a recommendation from JSON values."""
    return Recommendation(
        ItemId(values["item_id"]),
        tuple(map(LabelId, values["labels"])),
        tuple(map(float, values["probabilities"])),
    )


def parse_judgement(values: Mapping[str, Any]) -> JudgedItem:
    """Return the general expert's judgement from JSON values."""
    return JudgedItem(
        **{
            **values,
            "item_id": ItemId(values["item_id"]),
            "ranking": tuple(map(LabelId, values["ranking"])),
        }
    )
