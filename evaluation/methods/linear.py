"""The method `linear`: point-wise judgement of every label (XMC-Agent, appendix C), for small label sets."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from taxonaut.agents.judge import SCORED_TEMPLATE, YES_NO, Judge, JudgedLabel
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, run_method
from taxonaut.models.catalog import ENCODER, GGUF
from taxonaut.models.llm.reply_store import KeptReplies
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

MOST_LABELS = 1_000


async def linear(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Rank all labels by the general expert's model, which judges each label on its own.

    `encoder/…` compares vectors, as `dense` does, with the examples as further texts of a label. `gguf/…` ranks
    by the likelihood of the label's name. Any other chat model answers yes or no, in one request per item and
    label, and labels are ranked by log P(yes) - log P(no). Option: `shots`, examples per label. Raises
    InputError above 1,000 labels, or for shots without examples.
    """
    texts = workspace.wiring.label_texts()
    if len(texts) > MOST_LABELS:
        raise InputError(
            f"'linear' judges every label for every text, so it allows up to {MOST_LABELS:,} labels, and there are "
            f"{len(texts):,}; use 'shortlist', or 'dense', which compares vectors"
        )
    shots = settings.own_number("shots", settings.shots) if "shots" in settings.own else settings.shots
    if shots and not settings.examples:
        raise InputError(
            f"shots={shots} needs labelled texts to sample from; give a file of them with --examples FILE"
        )
    shown = draw_examples(settings.examples, {item.text for item in items}, shots, settings.seed)
    labels = [JudgedLabel(label, text, shown.get(label, ())) for label, text in texts.items()]
    judge = make_judge(workspace, separately=shots > 0)

    async def work(batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        scores, decisions = await judge.judge(batch, labels)
        ranked = {
            item: sorted(known.items(), key=lambda pair: -pair[1])[: settings.depth]
            for item, known in scores.items()
        }
        return dict(ranked), decisions

    used = {"depth": settings.depth, "examples": [label.examples for label in labels] if shots else []}
    return await run_method(workspace, items, "linear", used, work)


def make_judge(workspace: Workspace, *, separately: bool) -> Judge:
    """Return a judge on the general expert's model; how it is asked depends on the provider."""
    role, wiring = workspace.config.models.general_expert, workspace.wiring
    task = workspace.config.task.description
    if role.provider == ENCODER:
        return Judge(wiring.answers(role), workspace.prompts, YES_NO, task=task, separately=False)
    if role.provider == GGUF:
        scored = role.model_copy(update={"answer": "scored", "join": None})
        model = wiring.answers(scored)
        return Judge(model, workspace.prompts, SCORED_TEMPLATE, task=task, separately=separately)
    from taxonaut.models.llm.yes_no import YesNoGateway

    gateway = YesNoGateway(role, KeptReplies(wiring.cache))
    return Judge(gateway, workspace.prompts, YES_NO, task=task)


def draw_examples(
    examples: Sequence[ItemRow], asked: set[str], shots: int, seed: int
) -> Mapping[LabelId, tuple[str, ...]]:
    """Sample up to `shots` example texts of each label, without the evaluated texts."""
    if not shots:
        return {}
    texts: dict[LabelId, list[str]] = defaultdict(list)
    for row in examples:
        if row.item.text not in asked and row.item.text.strip():
            for label in row.gold:
                texts[label].append(row.item.text)
    return {
        label: tuple(random.Random(f"{seed} {label}").sample(found, min(shots, len(found))))
        for label, found in texts.items()
    }
