"""Train a LoRA adapter from a workspace's labelled items, and measure it on items and labels that it did not see."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.adapt.lora import LoraResult, LoraSettings
from taxonaut.models.gguf.tool_call import GgufChat
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Progress, tell
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.learn.feedback import MarkedItem, read_feedback
from taxonaut.workspace.learn.language_model import (
    check_adaptable,
    collect_examples,
    example_builder,
    train_adapter,
    usable_kinds,
)
from taxonaut.workspace.learn.model_examples import Example, ExampleSettings

SEEN = "seen labels"
UNSEEN = "unseen labels"

CARD = "card.json"

SURE = 1.96
"""Standard errors by which answers must have become worse for an adapter to fail."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Held-out questions with a right first answer, before and after; `better` and `worse` are those that changed."""

    questions: int
    before: int
    after: int
    better: int
    worse: int

    @property
    def fell(self) -> bool:
        """Whether more answers became worse than chance explains (McNemar's test)."""
        return self.worse - self.better > SURE * math.sqrt(self.worse + self.better)


@dataclass(frozen=True, slots=True)
class AdapterReport:
    """What was learned from, the training, and how questions that were not learned from are answered."""

    result: LoraResult
    counts: Mapping[str, int]
    unexplained: int
    accuracy: Mapping[str, Accuracy]

    @property
    def passed(self) -> bool:
        """Whether neither seen nor unseen labels fell."""
        return not any(each.fell for each in self.accuracy.values())


@dataclass(frozen=True, slots=True)
class Division:
    """Items to learn from, held-out items of labels that are learned, and items of labels that are not."""

    known: frozenset[LabelId]
    train: tuple[MarkedItem, ...]
    seen: tuple[MarkedItem, ...]
    unseen: tuple[MarkedItem, ...]


def divide(items: Sequence[MarkedItem], labels: Sequence[LabelId], held_out: float, seed: int) -> Division:
    """Hold out a share of the items, and of the labels that have any.

    Raises InputError if nothing is left to learn from.
    """
    source = random.Random(seed)
    used = list(dict.fromkeys(label for item in items for label in item.right))
    source.shuffle(used)
    hidden = frozenset(used[: round(held_out * len(used))])
    unseen = [item for item in items if hidden & set(item.right)]
    others = [item for item in items if item.right and not hidden & set(item.right)]
    source.shuffle(others)
    held = round(held_out * len(others))
    if len(others) - held < 1:
        raise InputError(
            f"{len(items):,} labelled items are too few: after items and labels are held out, none is left to learn "
            "from; label more (feedback add)"
        )
    known = frozenset(label for label in labels if label not in hidden)
    return Division(known, tuple(others[held:]), tuple(others[:held]), tuple(unseen))


def learn_adapter(
    workspace: Core,
    out: Path,
    *,
    examples: ExampleSettings | None = None,
    lora: LoraSettings | None = None,
    base: Path | None = None,
    held_out: float = 0.2,
) -> AdapterReport:
    """Train an adapter on a workspace's labelled items, write it to the folder `out` with a card, and measure it.

    Nothing uses it until the setting `adapter` names it. Raises InputError for a folder that is not empty, a model
    that cannot learn, and too few labelled items; MissingExtraError without the extra `train`.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{str(out)!r} is not an empty folder; give a new one")
    role = check_adaptable(workspace)
    settings = examples or ExampleSettings(kinds=usable_kinds(workspace))
    items = [item for item in read_feedback(workspace).items if item.right]
    parts = divide(items, workspace.index.label_ids(), held_out, settings.seed)
    made = PORTAL.run(collect_examples(workspace, parts.train, settings, parts.known))
    held = {SEEN: parts.seen, UNSEEN: parts.unseen}
    asked = {part: held_out_questions(workspace, chosen, settings) for part, chosen in held.items()}
    name = role.model.partition("/")[2]
    with closing(GgufChat(name, answer=role.answer)) as chat:
        before = {part: answer_all(chat, questions, part) for part, questions in asked.items()}
    result = train_adapter(workspace, made.examples, out, lora, base=base, on_step=tell_step)
    with closing(GgufChat(name, answer=role.answer, adapter=result.path)) as chat:
        after = {part: answer_all(chat, questions, part) for part, questions in asked.items()}
    report = AdapterReport(
        result,
        made.counts(),
        made.unexplained,
        {part: compare(before[part], after[part]) for part, questions in asked.items() if questions},
    )
    write_card(out, report, settings, lora or LoraSettings(), f"{role.model} {role.answer}")
    return report


def held_out_questions(
    workspace: Core, items: Sequence[MarkedItem], settings: ExampleSettings
) -> list[Example]:
    """Return a shortlist of each item, with a right label on it and all labels that may be."""
    measured = ExampleSettings(
        kinds=("inductive",), options=settings.options, nodes=0, none=0.0, seed=settings.seed
    )
    builder = example_builder(workspace, measured)
    found = [example for item in items for example in builder.inductive(item)]
    return [example for example in found if 0 < len(example.right) < len(example.options)]


def answer_all(chat: GgufChat, questions: Sequence[Example], part: str) -> list[bool]:
    """Answer questions; return whether the first answer to each is right."""
    found = []
    for number, example in enumerate(questions):
        tell(Progress(f"questions, {part}", number, len(questions)))
        chosen = chat.complete(example.request).chosen
        found.append(bool(chosen) and chosen[0] - 1 in example.right)
    return found


def tell_step(number: int, steps: int, loss: float) -> None:
    """Tell the progress of a training."""
    tell(Progress(f"training, loss {loss:.2f}", number, steps))


def compare(before: Sequence[bool], after: Sequence[bool]) -> Accuracy:
    """Compare the answers to the same questions."""
    return Accuracy(
        len(before),
        sum(before),
        sum(after),
        sum(now and not was for was, now in zip(before, after, strict=True)),
        sum(was and not now for was, now in zip(before, after, strict=True)),
    )


def write_card(
    out: Path, report: AdapterReport, examples: ExampleSettings, lora: LoraSettings, model: str
) -> None:
    """Write what was learned, and how, next to the adapter."""
    card = {
        "model": model,
        "examples": dict(report.counts),
        "unexplained": report.unexplained,
        "settings": {"examples": asdict(examples), "lora": asdict(lora)},
        "training": {**asdict(report.result), "path": report.result.path.name},
        "accuracy": {part: asdict(each) for part, each in report.accuracy.items()},
        "passed": report.passed,
    }
    (out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
