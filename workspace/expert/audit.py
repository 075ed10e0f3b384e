"""Audit the experts: ask both about a random sample of all items (Dual-Expert 4.3.1)."""

import random
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Unpack

from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.ids import LabelId
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import Item
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.core.config import CategorizeSettings
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.audit_file import Audit, Audited
from taxonaut.workspace.expert.categorize import prepare_categorization
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.files.item_files import ItemRow

SAMPLE = 500


FEW_TRAINED_ON = 0.1
"""Share of items that an expert was trained on up to which it can be audited on them: texts that repeat by chance."""


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
    anyway: bool = False,
    **categorize: Unpack[CategorizeSettings],
) -> AuditRun:
    """Ask both experts about a sample of items; the audit is not saved.

    Shares its run with categorizations by the same experts and settings, so neither repeats the other's requests.
    `categorize` overrides settings of the `[categorize]` table. Raises InputError, before anything is asked, for
    items that the expert was trained on, unless `anyway`.
    """
    sample = sample_items(rows, size, sample_seed)
    routing = prepare_categorization(workspace, expert=expert, everything=True, **categorize)
    learnt = count_trained_on(routing.experts, routing.card.number, (row.item for row in sample.rows))
    if not anyway:
        check_not_trained_on(routing.card.number, learnt, sample)
    before = routing.totals()
    audited = []
    async with aclosing(routing.results(row.item for row in sample.rows)) as results:
        waiting = iter(sample.rows)
        async for _, (result, said) in results:
            audited.append(make_audited(next(waiting), result, said))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    audit = Audit(
        routing.card.number,
        routing.run.fingerprint,
        made,
        source,
        sample_seed,
        tuple(audited),
        trained_on=learnt,
    )
    known = set(workspace.index.label_ids())
    unknown = dict.fromkeys(label for row in sample.rows for label in row.gold if label not in known)
    return AuditRun(audit, sample, learnt, tuple(unknown), routing.totals().since(before))


def make_audited(row: ItemRow, result: Categorized, said: JudgedItem | None) -> Audited:
    """Combine an item with both answers."""
    return Audited(row.item, row.gold, result.recommended, said)


def count_trained_on(experts: Experts, number: int, items: Iterable[Item]) -> int:
    """Count the items whose text an expert was trained on, where its confidence is too high.

    Case and spaces do not count: an id alone says nothing, as files number their rows alike.
    """
    examples = experts.examples(number).values()
    texts = {plain_text(example.item.text) for of_category in examples for example in of_category}
    return sum(plain_text(item.text) in texts for item in items)


def plain_text(text: str) -> str:
    """Return a text without differences in case and spaces."""
    return " ".join(text.casefold().split())


def check_not_trained_on(expert: int, learnt: int, sample: Sample) -> None:
    """Raise InputError for more than a few items that an expert was trained on."""
    count = len(sample.rows)
    if learnt > FEW_TRAINED_ON * count:
        raise InputError(
            f"expert {expert} was trained on {learnt:,} of these {count:,} items: it is surer of them than of new "
            "ones, and so a threshold found on them is wrong; audit items that were not used in training, or see the "
            "figures all the same with --anyway, which keeps no threshold"
        )


def keeps_threshold(audit: Audit) -> bool:
    """Whether an audit may say which threshold is used: few of its items were trained on."""
    return audit.trained_on <= FEW_TRAINED_ON * len(audit.rows)


def audit(
    workspace: Core,
    rows: Sequence[ItemRow],
    *,
    size: int = SAMPLE,
    sample_seed: int = 0,
    source: str = "",
    expert: int | None = None,
    anyway: bool = False,
    **categorize: Unpack[CategorizeSettings],
) -> AuditRun:
    """Run `aaudit` from synchronous code."""
    work = aaudit(
        workspace,
        rows,
        size=size,
        sample_seed=sample_seed,
        source=source,
        expert=expert,
        anyway=anyway,
        **categorize,
    )
    return PORTAL.run(work)
