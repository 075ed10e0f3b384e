"""The process of one job: its spec on standard input, typed updates and results as JSON lines on standard output.

It ends when its standard input does: a service that was killed leaves no worker behind. What was finished is kept,
and the same job continues it.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from pydantic import TypeAdapter

from taxonaut import evaluation
from taxonaut.server.jobs import job_specs
from taxonaut.server.jobs.job_specs import JobItem, JobSpec
from taxonaut.server.problems import problem_of
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label, as_item
from taxonaut.state.updates import Progress, Update, as_row, listening, to_plain
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.expert.categorized_rows import categorized_row
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.labels.label_changes import find_label
from taxonaut.workspace.review.doubtful_answers import find_doubts
from taxonaut.workspace.vocabulary.item_map import draw_map
from taxonaut.workspace.walk.labelled_items import labelled_rows
from taxonaut.workspace.workspace import Workspace

_SPECS: TypeAdapter[JobSpec] = TypeAdapter(JobSpec)

_TOLD = frozenset(
    {
        *("progress", "level_started", "labels_unplaced", "expert_left_out", "unknown_language"),
        *("partition_started", "split_refused", "node_split", "round_finished", "changes_reviewed"),
    }
)
"""Kinds of updates that are passed on; those of single items come with the results."""

_MOST_LOST, _MOST_LABELS = 30, 2_000
_EACH_S = 0.1
_FIRST_BATCH = 4
"""Texts of a job's first batch, so that its first rows come soon; each further one is twice as large."""

_PATIENCE_S = 10.0


class Speaker:
    """Writes JSON lines; progress at most ten times a second."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._told: tuple[str, float] = ("", 0.0)

    def say(self, kind: str, row: Any) -> None:
        """Write a line."""
        with self._lock:
            self._stream.write(json.dumps({kind: to_plain(row)}, default=str) + "\n")
            self._stream.flush()

    def tell(self, update: Update) -> None:
        """Write an update."""
        if update.kind not in _TOLD:
            return
        if isinstance(update, Progress):
            now = time.monotonic()
            is_last = update.total is not None and update.done >= update.total
            if self._told[0] == update.stage and now - self._told[1] < _EACH_S and not is_last:
                return
            self._told = update.stage, now
        self.say("update", as_row(update))


def run_job(workspace: Workspace, spec: Any, speaker: Speaker) -> dict[str, Any]:
    """Do a job, tell its results, and return its summary. Raises what the workspace's method does."""
    tell = speaker.tell
    match spec:
        case job_specs.ClassifyJob():
            return _classify(workspace, spec, speaker)
        case job_specs.CategorizeJob():
            settings: Any = {} if spec.threshold is None else {"threshold": spec.threshold}
            found = workspace.categorize(_items(spec.items), on_update=tell, **settings)
            for each in found:
                speaker.say("result", categorized_row(each))
            return {"items": len(found), "failed": sum(bool(each.error) for each in found)}
        case job_specs.EvaluateJob():
            rows = _rows(workspace, spec.items) if spec.items else labelled_rows(workspace)
            report = evaluation.harness.evaluate(workspace, rows, spec.methods, on_update=tell)
            for method in report.methods:
                speaker.say("result", _method_row(method))
            return {
                "items": report.items,
                "with_gold": report.with_gold,
                "labels": report.labels,
                "lost": _lost_rows(workspace, rows, spec.methods),
            }
        case job_specs.LearnJob():
            learned = workspace.learn(
                _rows(workspace, spec.items) if spec.items else None, adopt=spec.adopt, on_update=tell
            )
            return _json(learned)
        case job_specs.TrainExpertJob():
            return _json(workspace.train_expert(_rows(workspace, spec.items), on_update=tell))
        case job_specs.BuildIndexJob():
            more: Any = {} if spec.terminal_size is None else {"terminal_size": spec.terminal_size}
            tree = workspace.build_index(spec.method, on_update=tell, **more)
            return {"nodes": len(tree.nodes), "labels": len({label for _, label in tree.placements})}
        case job_specs.BuildVocabularyJob():
            return _json(workspace.build_vocabulary(_items(spec.items), spec.sample, on_update=tell))
        case job_specs.AssignVocabularyJob():
            tags = workspace.assign_vocabulary(_items(spec.items), every=spec.every, on_update=tell)
            for tagging in tags:
                speaker.say("result", asdict(tagging))
            return {"items": len(tags), "failed": sum(bool(each.error) for each in tags)}
        case job_specs.AddLabelsJob():
            labels = [
                Label(
                    LabelId(each.id),
                    each.name,
                    each.description,
                    batch="added",
                    alternatives=tuple(each.alternatives),
                )
                for each in spec.labels
            ]
            grown = workspace.add_labels(labels, note="add by the service", on_update=tell)
            return {"added": len(grown.inserted), "known": len(grown.known), "failed": dict(grown.failed)}
        case job_specs.ReviewErrorsJob():
            errors = workspace.review_errors(
                _rows(workspace, spec.items) if spec.items else None, limit=spec.limit, on_update=tell
            )
            added = workspace.review_queue().put("errors", errors.found)
            return {"items": errors.items, "found": len(errors.found), "queued": added, "notes": errors.notes}
        case job_specs.ReviewNextJob():
            given = _rows(workspace, spec.items) if spec.items else _own_rows(workspace)
            chosen = workspace.review_next(given, spec.count, on_update=tell)
            added = workspace.review_queue().put("next", chosen.found)
            return {"items": chosen.items, "found": len(chosen.found), "queued": added, "notes": chosen.notes}
        case job_specs.ReviewDoubtsJob():
            asked = _items(spec.items) if spec.items else [row.item for row in _own_rows(workspace)]
            if not asked:
                raise InputError("this workspace knows no item without a label; give texts")
            results = list(workspace.classify(asked, on_update=tell))
            doubts = find_doubts(workspace, asked, results)
            doubtful = doubts.found[: spec.limit]
            return {
                "items": doubts.items,
                "found": len(doubts.found),
                "queued": workspace.review_queue().put("doubts", doubtful),
                "notes": doubts.notes,
            }
        case job_specs.MapJob():
            with listening(tell):
                drawn = draw_map(workspace, spec.of)
            return {"points": len(drawn.ids), "method": drawn.method, "left_out": drawn.left_out}
    raise AssertionError(spec)


def _own_rows(workspace: Workspace) -> list[ItemRow]:
    """Return the items that the workspace knows, without those whose labels the ledger knows."""
    rows: list[ItemRow] = []
    after = ItemId("")
    while page := workspace.items.after(after, 5_000):
        known = workspace.ledger.truths([unit_key(item) for item in page])
        rows += [ItemRow(item) for item in page if unit_key(item) not in known]
        after = page[-1].id
    return rows


def _lost_rows(workspace: Workspace, rows: Sequence[ItemRow], methods: Sequence[str]) -> list[dict[str, Any]]:
    """Return the nodes where the walks of an evaluation lost most right labels."""
    if not any(method.split(":")[0] in evaluation.attribution.WALKS for method in methods):
        return []
    try:
        found = evaluation.attribution.attribute(workspace, rows)
    except NotFoundError:
        return []
    return [
        {
            "node": each.node_id,
            "path": list(each.path),
            "losses": len(each.losses),
            "reasons": dict(each.outcomes),
        }
        for each in found.nodes[:_MOST_LOST]
    ]


def _classify(workspace: Workspace, spec: job_specs.ClassifyJob, speaker: Speaker) -> dict[str, Any]:
    items, failed = _items(spec.items), 0
    settings: Any = {} if spec.top is None else {"top": spec.top}
    start, batch = 0, _FIRST_BATCH
    while start < len(items):
        batch = max(min(batch, workspace.batch), 1)
        for each in workspace.classify(items[start : start + batch], **settings):
            failed += bool(each.error)
            speaker.say("result", asdict(each))
        start, batch = min(start + batch, len(items)), 2 * batch
        speaker.tell(Progress("labelling", start, len(items)))
    return {"items": len(items), "failed": failed}


def _items(given: Sequence[str | JobItem]) -> list[Item]:
    return [_item(each) for each in given]


def _item(given: str | JobItem) -> Item:
    if isinstance(given, str):
        return as_item(given)
    return Item(ItemId(given.id), given.text) if given.id else as_item(given.text)


def _rows(workspace: Workspace, given: Sequence[str | JobItem]) -> list[ItemRow]:
    known: dict[str, LabelId] = {}

    def label(name: str) -> LabelId:
        if name not in known:
            known[name] = find_label(workspace.index, name)
        return known[name]

    return [
        ItemRow(
            _item(each), () if isinstance(each, str) else tuple(map(label, each.labels)), f"item {number}"
        )
        for number, each in enumerate(given, start=1)
    ]


def _method_row(method: evaluation.harness.MethodReport) -> dict[str, Any]:
    measures = {
        name: {"value": each.value, "low": each.low, "high": each.high}
        for name, each in method.quality.intervals.items()
    }
    return {
        "method": method.method,
        "measures": measures,
        "requests": method.requests,
        "prompt_tokens": method.prompt_tokens,
        "completion_tokens": method.completion_tokens,
        "seconds": method.seconds,
        "failed": method.failed,
        "labels": [
            {
                "id": each.label_id,
                "path": list(each.path),
                "support": each.support,
                "predicted": each.predicted,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
                "confused": [{"path": list(other.path), "count": other.count} for other in each.confused],
            }
            for each in method.by_label[:_MOST_LABELS]
        ],
    }


def _json(value: Any) -> dict[str, Any]:
    """Return a dataclass as JSON values."""
    found: dict[str, Any] = TypeAdapter(type(value)).dump_python(value, mode="json")
    return found


def _watch_input(stream: TextIO) -> None:
    """End this process when the service has closed its input, which it also does by dying."""
    with suppress(ValueError, OSError):
        stream.read()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(_PATIENCE_S)
    os._exit(130)


def main() -> int:
    """Do the job on standard input; return the exit code."""
    speaker = Speaker(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_watch_input, args=(sys.stdin,), daemon=True).start()
    try:
        spec = _SPECS.validate_python(given["spec"])
        with Workspace.open(Path(given["folder"])) as workspace:
            speaker.say("done", run_job(workspace, spec, speaker))
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001
        speaker.say("error", problem_of(error).model_dump())
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
