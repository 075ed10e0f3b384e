"""What people decided in a review, as statements of the ledger, and what the ledger knows of items."""

from collections.abc import Sequence
from dataclasses import replace

from taxonaut.state.stores.ledger import PEOPLE, Statement
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.review.review_queue import Answer, ReviewQueue


def send_answers(workspace: Core, queue: ReviewQueue) -> int:
    """Tell the ledger all decisions that it does not have yet, and store their items; return how many these are.

    A kill in between leaves them to the next call; nothing is counted twice.
    """
    answers = queue.unsent()
    if not answers:
        return 0
    with workspace.database.write():
        workspace.items.put(answer.item.suspect.item for answer in answers)
        workspace.ledger.state(each for answer in answers for each in statements_of(answer))
    queue.mark_sent(len(answers))
    return len(answers)


def statements_of(answer: Answer) -> list[Statement]:
    """Return a decision as statements of its person; what they said of the item before is void.

    A label that was chosen takes the place of the given one that was doubted, and what is right is then all that the
    item has. *None of these* says that the given and the suggested labels are wrong, and nothing of others. Who
    cannot decide, or takes a decision back, says nothing.
    """
    suspect, decision = answer.item.suspect, answer.decision
    said = Statement(suspect.item.id, answer.item.key, source="review", person=answer.person)
    if decision.kind == "keep":
        return [replace(said, right=suspect.given, complete=True)]
    if decision.kind == "label":
        doubted = suspect.evidence.get("doubted")
        others = [label for label in suspect.given if len(suspect.given) > 1 and label != doubted]
        return [replace(said, right=tuple(dict.fromkeys((*others, *decision.labels))), complete=True)]
    nothing = replace(said, forget=True)
    if decision.kind == "none":
        wrong = dict.fromkeys((*suspect.given, *(each.label for each in suspect.suggestions)))
        return [nothing, replace(said, wrong=tuple(wrong))]
    return [nothing]


def apply_truths(workspace: Core, rows: Sequence[ItemRow]) -> tuple[list[ItemRow], set[str]]:
    """Return items with the labels that people say they have, and the unit keys of those that people have judged."""
    keys = [unit_key(row.item) for row in rows]
    truths = workspace.ledger.truths(keys)
    judged: set[str] = set()
    found = []
    for key, row in zip(keys, rows, strict=True):
        truth = truths.get(key)
        by_people = truth is not None and any(each.source in PEOPLE for each in truth.labels.values())
        if truth is None or not (by_people or truth.conflicts):
            found.append(row)
            continue
        judged.add(key)
        found.append(replace(row, gold=truth.right) if truth.right else row)
    return found, judged
