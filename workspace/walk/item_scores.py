"""Scores as users see them: an encoder's similarities become probabilities, and what is too unlikely is left out.

Stored results keep similarities, so that a later calibration, or another least score, needs no new classification.
"""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from taxonaut.models.catalog import ENCODER
from taxonaut.models.encoder.probabilities import (
    FEWEST,
    PRIOR,
    Calibration,
    RankedItem,
    first_probability,
    fit_calibration,
)
from taxonaut.models.expert.calibration import expected_calibration_error
from taxonaut.models.expert.cut_off import F1, LABELS, CutOff, CutOffs, measure_cut_offs
from taxonaut.state.errors import DiskError, InputError, WorkspaceError
from taxonaut.state.ids import EventId
from taxonaut.state.records import Item, ItemResult
from taxonaut.state.workspace_folder import CALIBRATION_FILE
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.walk.classification import Classification
from taxonaut.workspace.walk.labelled_items import labelled_rows

UNLIKELY = 0.1
"""A text whose best label is less likely gets none, unless a least score is set."""


@dataclass(frozen=True, slots=True)
class ItemScores:
    """How scores are shown. `calibration` is None where no encoder ranks: scores are then what the model gave."""

    calibration: Calibration | None
    min_score: float | None
    most: int | None = None
    """Exactly so many labels are given, whatever their scores, as far as there are as many."""

    def show(self, result: ItemResult) -> ItemResult:
        """Return a stored result with the scores that users see."""
        labels = result.labels
        if self.calibration is not None and labels:
            found = self.calibration.probabilities([label.score for label in labels], result.ranked)
            pairs = zip(labels, found, strict=True)
            labels = tuple(replace(label, score=round(score, 4)) for label, score in pairs)
            if self.most is None and self.min_score is None and labels[0].score < UNLIKELY:
                labels = ()
        if self.most is not None:
            return replace(result, labels=labels[: self.most], ranked=())
        if self.min_score is not None:
            labels = tuple(label for label in labels if label.score >= self.min_score)
        return replace(result, labels=labels, ranked=())


@dataclass(frozen=True, slots=True)
class CalibrationCard:
    """What was fitted, on how many items of an index, and its expected calibration error before and after.

    `after` is measured on items that the fit did not see (halves in turn). `model` names the encoder's vectors.
    """

    model: str
    index: EventId
    labels: int
    items: int
    right: int
    before: float
    after: float
    calibration: Calibration
    cut_offs: CutOffs | None = None


def scores_of(workspace: Core) -> ItemScores:
    """Return how a workspace shows scores: by its calibration, if there is one of its encoder, else by the prior.

    Raises InputError for a `cut_off` that nothing was held out for.
    """
    role, walk = workspace.config.models.general_expert, workspace.config.walk
    wanted = None if walk.cut_off is None else CutOff.parse(walk.cut_off)
    calibration, cut_offs = None, None
    if role.provider == ENCODER:
        card = load_calibration(workspace)
        if card is not None and card.model == ranking_model(workspace):
            calibration, cut_offs = card.calibration, card.cut_offs
        else:
            calibration, cut_offs = default_calibration(workspace)
    if wanted is None:
        return ItemScores(calibration, walk.min_score)
    if wanted.kind == LABELS:
        return ItemScores(calibration, None, number_of_labels(wanted, walk.top))
    if cut_offs is None:
        raise InputError(
            f"cut_off is {walk.cut_off!r}, and no labelled items were held out to choose it on; give some: taxonaut "
            "calibrate ITEMS, or train an expert: taxonaut expert train ITEMS"
        )
    return ItemScores(calibration, least_probability(wanted, cut_offs))


def number_of_labels(wanted: CutOff, top: int) -> int:
    """Return a wished number of labels. Raises InputError if fewer are ranked."""
    if wanted.value > top:
        raise InputError(
            f"cut_off is 'labels={int(wanted.value)}', but a text gets at most {top} labels; raise top as well "
            f"(--top {int(wanted.value)})"
        )
    return int(wanted.value)


def least_probability(wanted: CutOff, found: CutOffs) -> float:
    """Return the probability from which labels are given. Raises InputError for a precision that none reaches."""
    least = found.best() if wanted.kind == F1 else found.precise(wanted.value)
    if least is None:
        raise InputError(
            f"cut_off is 'precision={wanted.value:g}', and no probability reaches it on the {found.items:,} items "
            f"that were held out; the highest precision there is {max(found.precision):.2f}"
        )
    return least


def default_calibration(workspace: Core) -> tuple[Calibration, CutOffs | None]:
    """Return the calibration of a workspace that fitted none: the trained expert's, made with it, else the prior."""
    expert = workspace.wiring.expert
    return (PRIOR, None) if expert is None else (expert.fusion.calibration, expert.fusion.cut_offs)


def ranking_model(workspace: Core) -> str:
    """Name what ranks: the general expert's model string, how vectors are compared, and what joins them."""
    joined = "".join(f" {name} {value}" for name, value in workspace.scores_identity.items())
    return (
        f"{workspace.config.models.general_expert.model} {workspace.config.scoring.model_dump_json()}{joined}"
    )


async def calibrate(
    workspace: Core, classification: Classification, rows: Iterable[ItemRow] | None = None
) -> CalibrationCard:
    """Fit probabilities to labelled items and keep them in the workspace; see `Workspace.acalibrate`."""
    if workspace.config.models.general_expert.provider != ENCODER:
        raise InputError(
            f"{workspace.config.models.general_expert.model!r} ranks the labels, and its scores are no similarities; "
            "only those of an encoder/… model are calibrated"
        )
    given = list(labelled_rows(workspace) if rows is None else rows)
    known = [row for row in given if row.gold and row.item.text.strip()]
    if len(known) < FEWEST:
        raise InputError(
            f"{len(known)} items with right labels are too few to fit probabilities; give at least {FEWEST}: a file "
            "of labelled items, or evaluate one before"
        )
    ranked = await rank_items(classification, known)
    right = [bool(item.right and item.right[0]) for item in ranked]
    fitted = fit_calibration([ranked])
    before = expected_calibration_error([first_probability(item, PRIOR) for item in ranked], right)
    card = CalibrationCard(
        ranking_model(workspace),
        workspace.index.version(),
        len(workspace.index.label_ids()),
        len(ranked),
        sum(right),
        before,
        expected_calibration_error(cross_fitted(ranked), right),
        fitted,
        measure_cut_offs(ranked, [len(set(row.gold)) for row in known], fitted),
    )
    save_calibration(workspace, card)
    return card


async def rank_items(classification: Classification, rows: Sequence[ItemRow]) -> list[RankedItem]:
    """Classify items; return the similarities of their labels, and which of them are right."""
    gold = {row.item.id: set(row.gold) for row in rows}
    items: list[Item] = [row.item for row in rows]
    found = []
    async with aclosing(classification.stored_results(items)) as results:
        async for item, result in results:
            right = [label.label_id in gold[item.id] for label in result.labels]
            scores = [label.score for label in result.labels]
            others = result.ranked[len(scores) :]
            found.append(RankedItem([*scores, *others], [*right, *(False for _ in others)]))
    return [item for item in found if item.scores]


def cross_fitted(items: Sequence[RankedItem]) -> list[float]:
    """Return the probability of each first label, fitted on the half of the items that it is not in."""
    halves = [items[0::2], items[1::2]]
    fits = [fit_calibration([half]) for half in halves]
    return [first_probability(item, fits[1 - place % 2]) for place, item in enumerate(items)]


def calibration_path(workspace: Core) -> Path:
    """Return the path of a workspace's calibration."""
    return workspace.folder / CALIBRATION_FILE


def save_calibration(workspace: Core, card: CalibrationCard) -> None:
    """Save a calibration, replacing the former one atomically. Raises DiskError."""
    path = calibration_path(workspace)
    part = path.with_name(f".{CALIBRATION_FILE}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def load_calibration(workspace: Core) -> CalibrationCard | None:
    """Load a workspace's calibration, None if there is none. Raises WorkspaceError for a damaged file."""
    path = calibration_path(workspace)
    if not path.is_file():
        return None
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        cut_offs = row.get("cut_offs")
        read = {
            "calibration": Calibration(**row["calibration"]),
            "cut_offs": None if cut_offs is None else CutOffs.of(cut_offs),
        }
        return CalibrationCard(**{**row, **read})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WorkspaceError(
            f"{str(path)!r} cannot be read ({error}); calibrate again, or: taxonaut calibrate --forget"
        ) from None


def forget_calibration(workspace: Core) -> bool:
    """Remove a workspace's calibration; return whether there was one."""
    path = calibration_path(workspace)
    there = path.is_file()
    path.unlink(missing_ok=True)
    return there
