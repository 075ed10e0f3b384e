"""Ask both experts about a sample of all traffic, so that one sees what either is worth where (Dual-Expert 4.3.1)."""

import random
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.ids import LabelId
from taxonaut.state.recommendations import Categorized
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.audit_file import Audit, Audited
from taxonaut.workspace.expert.categorize import Categorizing, categorizing
from taxonaut.workspace.files.item_files import ItemRow

SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """The items to audit, and why others are not: `blank` have no text, `without_gold` no gold label."""

    rows: tuple[ItemRow, ...]
    of: int
    blank: int
    without_gold: int


@dataclass(frozen=True, slots=True)
class AuditRun:
    """What an audit found, and what it cost.

    `trained_on` of its items have a text the expert learnt from. `unknown` are gold labels that the workspace does
    not have, in the order of the items: nobody can get these right.
    """

    audit: Audit
    sample: Sample
    trained_on: int
    unknown: tuple[LabelId, ...]
    totals: Totals


def drawn(rows: Sequence[ItemRow], size: int, seed: int) -> Sample:
    """Draw `size` items at random (0: all), in their order; of items some of which have gold labels, only such.

    Raises InputError if there is none to draw from.
    """
    with_text = [row for row in rows if row.item.text.strip()]
    with_gold = [row for row in with_text if row.gold]
    able = with_gold or with_text
    if not able:
        raise InputError(f"none of {len(rows):,} items has a text; an audit needs some")
    chosen: Sequence[int] = range(len(able))
    if 0 < size < len(able):
        chosen = sorted(random.Random(seed).sample(chosen, size))
    picked = tuple(able[place] for place in chosen)
    return Sample(picked, len(rows), len(rows) - len(with_text), len(with_text) - len(able))


async def aaudit(
    workspace: Core,
    rows: Sequence[ItemRow],
    *,
    size: int = SAMPLE,
    seed: int = 0,
    source: str = "",
    expert: int | None = None,
    **categorize: Any,
) -> AuditRun:
    """Ask both experts about a sample of items; nothing is proposed or kept as the expert's audit yet.

    The run is that of the categorizations with the same experts and settings: what either asked, the other does
    not ask again. `categorize` replaces settings of the `[categorize]` table.
    """
    sample = drawn(rows, size, seed)
    routing = categorizing(workspace, expert=expert, everything=True, **categorize)
    before = routing.totals()
    audited = []
    async with aclosing(routing.results(row.item for row in sample.rows)) as results:
        waiting = iter(sample.rows)
        async for _, (result, said) in results:
            audited.append(audited_row(next(waiting), result, said))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    audit = Audit(routing.card.number, routing.run.fingerprint, made, source, seed, tuple(audited))
    known = set(workspace.index.label_ids())
    unknown = dict.fromkeys(label for row in sample.rows for label in row.gold if label not in known)
    learnt = learnt_from(routing, sample)
    return AuditRun(audit, sample, learnt, tuple(unknown), routing.totals().since(before))


def audited_row(row: ItemRow, result: Categorized, said: JudgedItem | None) -> Audited:
    """Put together what is kept of an item."""
    return Audited(row.item, row.gold, result.recommended, said)


def learnt_from(routing: Categorizing, sample: Sample) -> int:
    """Count the items whose text the expert was trained on: it is surer of these than of new ones."""
    examples = routing.experts.examples(routing.card.number).values()
    texts = {example.item.text.strip() for of_category in examples for example in of_category}
    return sum(row.item.text.strip() in texts for row in sample.rows)


def audit(workspace: Core, rows: Sequence[ItemRow], **how: Any) -> AuditRun:
    """Do what `aaudit` does, from synchronous code."""
    return PORTAL.run(aaudit(workspace, rows, **how))
