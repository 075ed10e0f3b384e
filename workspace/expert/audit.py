"""Audit the experts: ask both about a random sample of all items (Dual-Expert 4.3.1)."""

import random
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Unpack

from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.ids import LabelId
from taxonaut.state.recommendations import Categorized
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.core.config import CategorizeSettings
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.audit_file import Audit, Audited
from taxonaut.workspace.expert.categorize import Categorization, prepare_categorization
from taxonaut.workspace.files.item_files import ItemRow

SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """The sampled items, out of `of`; `blank` and `without_gold` count items skipped for lack of text or gold."""

    rows: tuple[ItemRow, ...]
    of: int
    blank: int
    without_gold: int


@dataclass(frozen=True, slots=True)
class AuditRun:
    """The result of an audit and its cost.

    `trained_on` counts items whose text is in the expert's training data. `unknown` are gold labels that are not
    in the workspace, in item order; their items cannot be right.
    """

    audit: Audit
    sample: Sample
    trained_on: int
    unknown: tuple[LabelId, ...]
    totals: Totals


def sample_items(rows: Sequence[ItemRow], size: int, seed: int) -> Sample:
    """Sample `size` items at random (0: all), in their order; only items with gold labels, if any has some.

    Raises InputError if no item has a text.
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
    sample_seed: int = 0,
    source: str = "",
    expert: int | None = None,
    **categorize: Unpack[CategorizeSettings],
) -> AuditRun:
    """Ask both experts about a sample of items; the audit is not saved.

    Shares its run with categorizations by the same experts and settings, so neither repeats the other's requests.
    `categorize` overrides settings of the `[categorize]` table.
    """
    sample = sample_items(rows, size, sample_seed)
    routing = prepare_categorization(workspace, expert=expert, everything=True, **categorize)
    before = routing.totals()
    audited = []
    async with aclosing(routing.results(row.item for row in sample.rows)) as results:
        waiting = iter(sample.rows)
        async for _, (result, said) in results:
            audited.append(make_audited(next(waiting), result, said))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    audit = Audit(routing.card.number, routing.run.fingerprint, made, source, sample_seed, tuple(audited))
    known = set(workspace.index.label_ids())
    unknown = dict.fromkeys(label for row in sample.rows for label in row.gold if label not in known)
    learnt = count_trained_on(routing, sample)
    return AuditRun(audit, sample, learnt, tuple(unknown), routing.totals().since(before))


def make_audited(row: ItemRow, result: Categorized, said: JudgedItem | None) -> Audited:
    """Combine an item with both answers."""
    return Audited(row.item, row.gold, result.recommended, said)


def count_trained_on(routing: Categorization, sample: Sample) -> int:
    """Count the items whose text the expert was trained on, where its confidence is too high."""
    examples = routing.experts.examples(routing.card.number).values()
    texts = {example.item.text.strip() for of_category in examples for example in of_category}
    return sum(row.item.text.strip() in texts for row in sample.rows)


def audit(
    workspace: Core,
    rows: Sequence[ItemRow],
    *,
    size: int = SAMPLE,
    sample_seed: int = 0,
    source: str = "",
    expert: int | None = None,
    **categorize: Unpack[CategorizeSettings],
) -> AuditRun:
    """Run `aaudit` from synchronous code."""
    work = aaudit(
        workspace, rows, size=size, sample_seed=sample_seed, source=source, expert=expert, **categorize
    )
    return PORTAL.run(work)
