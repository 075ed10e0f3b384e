"""The queue for other annotation tools: Label Studio's tasks and Argilla's records, and their answers back.

Label Studio: tasks with predictions for a Taxonomy tag, and the labeling interface that goes with them. Argilla: the
records that `dataset.records.from_json` reads and `to_json` writes, with suggestions, and responses when they return.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.reader import IndexReader
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.text_format import clipped
from taxonaut.workspace.files.tables import clean_text
from taxonaut.workspace.labels.label_changes import find_label
from taxonaut.workspace.review.decision_table import Refused
from taxonaut.workspace.review.review_queue import QueuedItem, ReviewDecision, ReviewQueue

HandoverFormat = Literal["label-studio", "argilla"]
FORMATS: tuple[HandoverFormat, ...] = ("label-studio", "argilla")

NONE, UNDECIDED = "none of these", "cannot decide"
VERDICTS: Mapping[str, Literal["none", "undecided"]] = {NONE: "none", UNDECIDED: "undecided"}
LABELS, VERDICT = "labels", "verdict"
"""Names of the two questions: which labels are right, and why none is given."""

SOURCE = "taxonaut"
_MOST_TASKS = 100_000


@dataclass(frozen=True, slots=True)
class ReturnedDecision:
    """A decision that another tool brought back; `person` is the annotator that it names, "" for none."""

    key: str
    person: str
    decision: ReviewDecision


@dataclass(frozen=True, slots=True)
class Returned:
    """What a file of another tool says: decisions, how many items have `blank` answers, and what is `refused`."""

    format: HandoverFormat
    decisions: tuple[ReturnedDecision, ...]
    blank: int
    refused: tuple[Refused, ...]


def open_items(queue: ReviewQueue) -> list[QueuedItem]:
    """Return the items that nobody has answered."""
    answers = queue.answers()
    return [item for item in queue.items() if item.key not in answers]


def write_tasks(items: Sequence[QueuedItem], format: HandoverFormat) -> str:
    """Write items as the JSON that a tool imports."""
    write = _label_studio_task if format == "label-studio" else _argilla_record
    return json.dumps([write(item) for item in items], ensure_ascii=False, indent=1)


def _label_studio_task(item: QueuedItem) -> dict[str, Any]:
    suspect = item.suspect
    predictions = [
        {
            "model_version": SOURCE,
            "score": each.probability or 0.0,
            "result": [
                {
                    "from_name": LABELS,
                    "to_name": "text",
                    "type": "taxonomy",
                    "value": {"taxonomy": [list(map(clean_text, each.path))]},
                }
            ],
        }
        for each in suspect.suggestions[:1]
    ]
    data = {
        "text": clean_text(suspect.item.text),
        "key": item.key,
        "id": clean_text(suspect.item.id),
        "now": "; ".join(" > ".join(map(clean_text, path)) for path in suspect.given_paths),
        "why": "; ".join(map(clean_text, suspect.reasons)),
    }
    return {"data": data, "predictions": predictions}


def _argilla_record(item: QueuedItem) -> dict[str, Any]:
    suspect = item.suspect
    record: dict[str, Any] = {
        "id": item.key,
        "fields": {"text": clean_text(suspect.item.text)},
        "metadata": {
            "item": clean_text(suspect.item.id),
            "now": [clean_text(label) for label in suspect.given],
            "why": [clean_text(reason) for reason in suspect.reasons],
        },
        "suggestions": {},
        "responses": {},
        "vectors": {},
    }
    for each in suspect.suggestions[:1]:
        record["suggestions"][LABELS] = {
            "value": [str(each.label)],
            "score": None if each.probability is None else [each.probability],
            "agent": SOURCE,
        }
    return record


def label_studio_interface(index: IndexReader) -> str:
    """Write Label Studio's labeling interface: a Taxonomy tag with the tree, and choices for what fits nothing."""
    tree: dict[str, Any] = {}
    labels = index.label_ids()
    names = {label.id: label.name for label in index.labels(labels)}
    for label, paths in index.paths_of(labels).items():
        for path in paths or [(names[label],)]:
            here = tree
            for name in path:
                here = here.setdefault(clean_text(name), {})
    lines = [
        "<View>",
        '  <Text name="text" value="$text"/>',
        '  <Header value="Label now: $now" size="6"/>',
        '  <Header value="Why it is here: $why" size="6"/>',
        f'  <Taxonomy name="{LABELS}" toName="text">',
        *_choices(tree, 2),
        "  </Taxonomy>",
        f'  <Choices name="{VERDICT}" toName="text" choice="single">',
        *(f"    <Choice value={quoteattr(word)}/>" for word in VERDICTS),
        "  </Choices>",
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def _choices(tree: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, below in tree.items():
        tag = f"{'  ' * depth}<Choice value={quoteattr(name)}"
        if below:
            yield f"{tag}>"
            yield from _choices(below, depth + 1)
            yield f"{'  ' * depth}</Choice>"
        else:
            yield f"{tag}/>"


def argilla_labels(index: IndexReader) -> dict[str, str]:
    """Return each label's id with its path, as Argilla's MultiLabelQuestion takes them."""
    labels = index.label_ids()
    names = {label.id: label.name for label in index.labels(labels)}
    paths = index.paths_of(labels)
    return {
        str(label): " > ".join(map(clean_text, (paths.get(label) or [(names[label],)])[0]))
        for label in labels
    }


def write_interface(index: IndexReader, format: HandoverFormat) -> str:
    """Write the questions with all labels as a tool takes them: XML for Label Studio, JSON for Argilla."""
    if format == "label-studio":
        return label_studio_interface(index)
    return json.dumps({LABELS: argilla_labels(index), VERDICT: list(VERDICTS)}, ensure_ascii=False, indent=1)


def read_answers(workspace: Core, queue: ReviewQueue, text: str) -> Returned:
    """Read what Label Studio (JSON export) or Argilla (`records.to_json`) wrote, and match it to the queue.

    An answer is refused whose item is not in the queue, has another text there by now, or names no label of the
    index. Of an annotator's answers on one item the last one counts. Raises InputError for anything else.
    """
    rows = _read_rows(text)
    format: HandoverFormat = "argilla" if any("fields" in row for row in rows) else "label-studio"
    known = {item.key: item for item in queue.items()}
    found: dict[tuple[str, str], ReturnedDecision] = {}
    refused: list[Refused] = []
    blank = 0
    for number, row in enumerate(rows, start=1):
        key, shown, answers = _argilla_answers(row) if format == "argilla" else _label_studio_answers(row)
        item, place = known.get(key), f"item {number}"
        if item is None:
            refused.append(Refused(place, clipped(key, 60), "the queue has no such item; export it anew"))
            continue
        if shown.strip() != clean_text(item.suspect.item.text).strip():
            refused.append(
                Refused(place, item.suspect.item.id, "its text is another one in the queue by now")
            )
            continue
        blank += not answers
        for person, values, verdict in answers:
            try:
                decision = _decision(workspace, item, values, verdict)
            except (InputError, NotFoundError) as error:
                refused.append(Refused(place, item.suspect.item.id, str(error)))
            else:
                found[key, person] = ReturnedDecision(key, person, decision)
    return Returned(format, tuple(found.values()), blank, tuple(refused))


def _read_rows(text: str) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the answers are no JSON ({error}); give {_WANTED}") from None
    if isinstance(rows, Mapping):
        rows = [rows]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(f"the answers are no list of tasks or records; give {_WANTED}")
    if len(rows) > _MOST_TASKS:
        raise InputError(f"{len(rows):,} items at once; give at most {_MOST_TASKS:,}")
    if not all("fields" in row or "data" in row for row in rows):
        raise InputError(
            f"some items have neither 'data' (Label Studio) nor 'fields' (Argilla); give {_WANTED}"
        )
    return rows


_WANTED = "Label Studio's export as JSON (not JSON-MIN), or what Argilla's dataset.records.to_json wrote"

Answered = tuple[str, list[Any], str]
"""Who answered, the values of the labels, and the verdict."""


def _label_studio_answers(row: Mapping[str, Any]) -> tuple[str, str, list[Answered]]:
    data = _mapping(row.get("data"))
    answers = []
    for annotation in _mappings(row.get("annotations")):
        if annotation.get("was_cancelled"):
            continue
        values: list[Any] = []
        verdict = ""
        for result in _mappings(annotation.get("result")):
            value = _mapping(result.get("value"))
            if result.get("type") == "taxonomy":
                chosen = value.get("taxonomy")
                values += chosen if isinstance(chosen, list) else []
            elif result.get("from_name") == VERDICT and isinstance(value.get("choices"), list):
                verdict = str((value["choices"] or [""])[0])
        by = annotation.get("completed_by", "")
        person = str(by.get("email") or by.get("id") or "") if isinstance(by, Mapping) else str(by or "")
        if values or verdict:
            answers.append((person, values, verdict))
    return str(data.get("key", "")), str(data.get("text", "")), answers


def _argilla_answers(row: Mapping[str, Any]) -> tuple[str, str, list[Answered]]:
    answers: dict[str, tuple[list[Any], str]] = {}
    responses = _mapping(row.get("responses"))
    for each in _mappings(responses.get(LABELS)):
        if each.get("status") not in ("discarded", "draft"):
            value = each.get("value")
            values = value if isinstance(value, list) else [value] if value else []
            answers[str(each.get("user_id", ""))] = (values, "")
    for each in _mappings(responses.get(VERDICT)):
        person = str(each.get("user_id", ""))
        answers[person] = (answers.get(person, ([], ""))[0], str(each.get("value") or ""))
    said = [(person, values, verdict) for person, (values, verdict) in answers.items() if values or verdict]
    return str(row.get("id", "")), str(_mapping(row.get("fields")).get("text", "")), said


def _decision(workspace: Core, item: QueuedItem, values: Sequence[Any], verdict: str) -> ReviewDecision:
    if not values:
        if verdict not in VERDICTS:
            raise InputError(f"the verdict {clipped(verdict, 60)!r} is none of {', '.join(VERDICTS)}")
        return ReviewDecision(VERDICTS[verdict])
    labels = list(dict.fromkeys(_label(workspace, each) for each in values))
    if set(labels) == set(item.suspect.given):
        return ReviewDecision("keep")
    return ReviewDecision("label", tuple(labels))


def _label(workspace: Core, value: Any) -> LabelId:
    """Find a label by its path (Label Studio) or its id (Argilla)."""
    if isinstance(value, list):
        wanted = tuple(map(str, value))
        for label in workspace.index.labels_named(wanted[-1:]):
            paths = workspace.index.paths_of([label.id])[label.id] or [(label.name,)]
            if any(tuple(map(clean_text, path)) == wanted for path in paths):
                return label.id
        return find_label(workspace.index, " > ".join(wanted))
    return find_label(workspace.index, str(value))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def apply_answers(queue: ReviewQueue, returned: Returned) -> int:
    """Answer the items as their annotators did, each under their own name; return how many say something new.

    An annotator that a file does not name is the queue's person.
    """
    standing = {(key, each.person): each.decision for key, said in queue.answers().items() for each in said}
    taken = 0
    for each in returned.decisions:
        named = "".join(filter(str.isprintable, each.person))[:150].strip()
        person = f"{named} ({returned.format})" if named else queue.person
        if standing.get((each.key, person)) == each.decision:
            continue
        queue.seat(person, queue.session).answer(each.key, each.decision)
        taken += 1
    return taken
