"""An audit of both experts as it is kept beside the trained expert: who said what of each item, what was proposed."""

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
from taxonaut.workspace.core.core import Core

FOLDER = "experts"
FILE_NAME = "audit.json"


@dataclass(frozen=True, slots=True)
class Audited:
    """One item before both experts. `gold` is empty where nobody knows its category.

    `said` is None where the domain expert had no candidate, and the general expert nothing to choose from.
    """

    item: Item
    gold: tuple[LabelId, ...]
    recommended: Recommendation
    said: JudgedItem | None

    @property
    def domain(self) -> LabelId | None:
        """The domain expert's category."""
        return self.recommended.labels[0] if self.recommended.labels else None

    @property
    def general(self) -> LabelId | None:
        """The general expert's category, if it chose one."""
        return self.said.label if self.said is not None else None


@dataclass(frozen=True)
class Audit:
    """What the last audit of an expert found.

    `fingerprint` is that of the categorizations it speaks for, `made` its time (ISO 8601, UTC), `source` what was
    audited, `seed` that of the sample. `threshold` is the proposed one, None where nothing could be proposed;
    `proposal` says how it was come by.
    """

    expert: int
    fingerprint: str
    made: str
    source: str
    seed: int
    rows: tuple[Audited, ...]
    threshold: float | None = None
    proposal: Mapping[str, Any] = field(default_factory=dict)


def audit_path(workspace: Core, expert: int) -> Path:
    """Return where an expert's audit is kept."""
    return workspace.folder / FOLDER / str(expert) / FILE_NAME


def keep_audit(workspace: Core, audit: Audit) -> Path:
    """Keep an audit in place of the former one; a kill leaves the one or the other. Raises DiskError."""
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


def last_audit(workspace: Core, expert: int) -> Audit | None:
    """Read an expert's last audit; None before the first. Raises WorkspaceError for a file that is damaged."""
    path = audit_path(workspace, expert)
    if not path.is_file():
        return None
    try:
        return loaded(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WorkspaceError(
            f"{str(path)!r} cannot be read ({type(error).__name__}: {error}); remove it and audit again: "
            "taxonaut expert audit ITEMS"
        ) from None


def known_audit(workspace: Core, expert: int) -> Audit:
    """Read an expert's last audit. Raises NotFoundError that says how to make one."""
    audit = last_audit(workspace, expert)
    if audit is None:
        raise NotFoundError(
            f"expert {expert} was never audited; do it first: taxonaut expert audit ITEMS --expert {expert}"
        )
    return audit


def loaded(values: Mapping[str, Any]) -> Audit:
    """Make an audit of what its file holds."""
    return Audit(**{**values, "rows": tuple(map(row, values["rows"]))})


def row(values: Mapping[str, Any]) -> Audited:
    """Make one item of an audit of what the file holds."""
    said = values["said"]
    return Audited(
        Item(ItemId(values["item"]["id"]), values["item"]["text"]),
        tuple(map(LabelId, values["gold"])),
        recommendation(values["recommended"]),
        None if said is None else judgement(said),
    )


def recommendation(values: Mapping[str, Any]) -> Recommendation:
    """Make a recommendation of plain values."""
    return Recommendation(
        ItemId(values["item_id"]),
        tuple(map(LabelId, values["labels"])),
        tuple(map(float, values["probabilities"])),
    )


def judgement(values: Mapping[str, Any]) -> JudgedItem:
    """Make a judgement of plain values."""
    return JudgedItem(
        **{
            **values,
            "item_id": ItemId(values["item_id"]),
            "ranking": tuple(map(LabelId, values["ranking"])),
        }
    )
