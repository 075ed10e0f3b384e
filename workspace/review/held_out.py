"""What experts that had not seen an item say of its labels: kept probabilities, or a cross-fit on demand."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from taxonaut.models.expert.fitting import fit
from taxonaut.models.expert.out_of_fold import FILE, KEPT, LEAST_LOG, OutOfFold
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.updates import Progress, as_one_stage, tell
from taxonaut.workspace.core.config import ExpertConfig
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.experts import EXAMPLES, ExpertCard, Experts, read_examples
from taxonaut.workspace.expert.training import EMBEDDING, FITTED, FITTING, HEAD, prepare_input, texts_to_embed
from taxonaut.workspace.expert.training_data import prepare_training_data
from taxonaut.workspace.files.item_files import ItemRow

STAGE = "scoring labels"

AT_ONCE = 512
"""Items per batch of an expert's probabilities."""


@dataclass(frozen=True, slots=True)
class LabelOdds:
    """Natural log probabilities of an item's likeliest labels and of its given ones, in descending order.

    Of a label that is not among them it is only known that its log is at most `most`.
    """

    logs: Mapping[LabelId, float]
    most: float = LEAST_LOG

    def log(self, label: LabelId) -> float:
        """Return the log probability of a label; an upper bound where it is not kept."""
        return self.logs.get(label, self.most)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The odds of each item, in order, None where nothing is known; `how` says where they come from, for users."""

    odds: tuple[LabelOdds | None, ...]
    how: str


def held_out_odds(workspace: Core, rows: Sequence[ItemRow], expert: int | None = None) -> HeldOut:
    """Return what experts that had not seen the items say of them.

    Items that an expert was trained on have the probabilities that were kept with it, or are cross-fitted; other
    items are asked of it. Without an expert, the items are cross-fitted. Raises NotFoundError for an unknown expert,
    and InputError as `prepare_training_data` does.
    """
    experts = Experts(workspace)
    if expert is None and not experts.numbers():
        found = cross_fit(workspace, rows)
        odds = dict(zip(found.texts, odds_of(workspace.index, found.kept), strict=True))
        return HeldOut(tuple(odds.get(row.item.text.strip()) for row in rows), "cross-fitted (no expert yet)")
    card = experts.card(expert)
    known = training_odds(workspace, experts, card)
    texts = [row.item.text.strip() for row in rows]
    new = list(dict.fromkeys(text for text in texts if text and text not in known))
    asked = dict(zip(new, ask_expert(experts, card, new, given_labels(rows)), strict=True))
    how = f"expert {card.number}" + (f" ({len(new):,} texts it was not trained on)" if new else "")
    return HeldOut(tuple(known.get(text, asked.get(text)) for text in texts), how)


def given_labels(rows: Sequence[ItemRow]) -> dict[str, set[LabelId]]:
    """Return the given labels of each text."""
    found: dict[str, set[LabelId]] = {}
    for row in rows:
        found.setdefault(row.item.text.strip(), set()).update(row.gold)
    return found


def training_odds(workspace: Core, experts: Experts, card: ExpertCard) -> dict[str, LabelOdds | None]:
    """Return the odds of an expert's training products by text; computed, and kept, where the expert has none.

    An encoder that was fine-tuned has seen its products: theirs are cross-fitted on the workspace's embedder.
    """
    with experts.expert_file(card.number, EXAMPLES) as path:
        examples = list(read_examples(path))
    texts = [example.item.text.strip() for example in examples]
    if card.kind == HEAD and (experts.path(card.number) / FILE).is_file():
        with experts.expert_file(card.number, FILE) as path:
            kept = OutOfFold.load(path.parent)
            if len(kept) != len(examples):
                raise ValueError("it is of other products")
        return dict(zip(texts, odds_of(workspace.index, kept), strict=True))
    found = cross_fit(workspace, [ItemRow(each.item, each.labels) for each in examples])
    if card.kind == HEAD and found.texts == texts:
        with suppress(OSError):  # a folder that cannot be written: they are computed again
            found.kept.save(experts.path(card.number))
    return dict(zip(found.texts, odds_of(workspace.index, found.kept), strict=True))


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Probabilities of items by experts that were trained on the others; `texts` without surrounding whitespace."""

    texts: list[str]
    kept: OutOfFold


def cross_fit(workspace: Core, rows: Sequence[ItemRow]) -> CrossFit:
    """Cross-fit experts with a head by ridge regression; items of unknown labels are left out. Stores no expert."""
    plain = workspace.with_table("expert", ExpertConfig(seed=workspace.config.expert.seed))
    data = prepare_training_data(plain, rows, share=None, seed=plain.config.expert.seed, skip_unknown=True)
    stored = plain.wiring.stored
    texts = texts_to_embed(plain, data, data.train)
    steps = {EMBEDDING: stored.count_missing(texts.all), FITTING: 1 + len(data.train) // FITTED}
    with as_one_stage(STAGE, steps):
        material, _ = prepare_input(data, data.train, texts, stored.lookup)
        fitting = fit(material, None, seed=plain.config.expert.seed)
    return CrossFit([example.item.text.strip() for example in data.train], fitting.out_of_fold)


def odds_of(index: Index, kept: OutOfFold) -> Iterator[LabelOdds | None]:
    """Yield the odds of each product, its labels by their ids of today; those that are split or gone are left out."""
    now = [index.present([label]) for label in kept.labels]
    known = set(index.label_ids())
    for place in range(len(kept)):
        columns, logs = kept.row(place)
        found: dict[LabelId, float] = {}
        for column, log in zip(columns.tolist(), logs.tolist(), strict=True):
            for label in now[column]:
                if label in known:
                    found[label] = float(np.logaddexp(found[label], log)) if label in found else log
        yield LabelOdds(found, min(found.values())) if found else None


def ask_expert(
    experts: Experts, card: ExpertCard, texts: Sequence[str], given: Mapping[str, set[LabelId]]
) -> Iterator[LabelOdds]:
    """Yield an expert's odds of texts that it was not trained on."""
    if not texts:
        return
    classifier = experts.classifier(card.number)
    labels = classifier.labels
    number = {label: place for place, label in enumerate(labels)}
    kept = min(KEPT, len(labels))
    for start in range(0, len(texts), AT_ONCE):
        batch = texts[start : start + AT_ONCE]
        found = classifier.probabilities(batch)
        logs = np.maximum(np.log(np.maximum(found, np.float32(1e-30))), LEAST_LOG)
        best = np.argsort(-found, axis=1, kind="stable")[:, :kept]
        for text, row, places in zip(batch, logs, best.tolist(), strict=True):
            own = [number[label] for label in given.get(text, ()) if label in number]
            chosen = sorted(dict.fromkeys([*places, *own]), key=lambda place: -row[place])
            yield LabelOdds({labels[place]: float(row[place]) for place in chosen}, float(row[places[-1]]))
        tell(Progress("asking the expert", start + len(batch), len(texts)))
