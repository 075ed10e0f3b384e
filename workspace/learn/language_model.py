"""Learning of a language model: examples from the ledger by a workspace's agents, and a LoRA adapter from them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.adapt.lora import AnswerExample, LoraResult, OnStep, train_lora
from taxonaut.models.adapt.lora import LoraSettings as LoraSettings
from taxonaut.models.catalog import ENCODER, GGUF
from taxonaut.models.gguf.tool_call import GgufChat
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import InputError, ModelError
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.injected import RoleModel
from taxonaut.workspace.learn.example_files import check_format, write_examples
from taxonaut.workspace.learn.feedback import MarkedItem, read_feedback
from taxonaut.workspace.learn.model_examples import (
    Example,
    ExampleBuilder,
    ExampleSet,
    ExampleSettings,
    Kind,
)

ROLES = ("navigator", "general_expert")
"""The roles that a walk asks, and that learn."""


def usable_kinds(workspace: Core) -> tuple[Kind, ...]:
    """Return the kinds of examples that the roles' models can make: reasons need language models."""
    models = workspace.config.models
    writes = all(getattr(models, role).provider != ENCODER for role in ROLES)
    return ("inductive", "deductive") if writes else ("inductive",)


class LearnsElsewhere:
    """Stands for a language model that will learn from a file: prompts are rendered for it, nothing is asked."""

    name = "a language model that learns from a file"
    reads_prompts = True

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer nothing."""
        return [ModelError("this model only learns from a file; it cannot be asked")] * len(requests)


def example_builder(
    workspace: Core,
    settings: ExampleSettings,
    labels: Iterable[LabelId] | None = None,
    *,
    elsewhere: bool = False,
) -> ExampleBuilder:
    """Return what makes examples with a workspace's agents, as its walks ask them.

    `labels`: those that may be on offer; by default all. `elsewhere`: for a model that is not the workspace's, and
    that calls tools; so they are, too, where a role's model is an encoder, which reads no prompts. Raises InputError
    for reasons of a model that writes none.
    """
    models = workspace.config.models
    learners: dict[str, RoleModel] = {
        role: LearnsElsewhere() for role in ROLES if elsewhere or getattr(models, role).provider == ENCODER
    }
    wiring = workspace.with_models(learners).wiring if learners else workspace.wiring
    deductive = "deductive" in settings.kinds
    return ExampleBuilder(
        workspace.index,
        wiring.navigator(),
        wiring.general_expert(),
        settings,
        labels=labels,
        ancestors=workspace.policy().ancestors,
        explainers={role: workspace.wiring.feedback_writer(role) for role in ROLES} if deductive else {},
    )


async def collect_examples(
    workspace: Core,
    items: Sequence[MarkedItem],
    settings: ExampleSettings | None = None,
    labels: Iterable[LabelId] | None = None,
    *,
    elsewhere: bool = False,
) -> ExampleSet:
    """Make the examples of marked items; the replies to requests for reasons are stored like all others.

    By default of the kinds that the models can make. `elsewhere`: see `example_builder`. Raises InputError if there
    are no examples.
    """
    settings = settings or ExampleSettings(kinds=usable_kinds(workspace))
    found = await example_builder(workspace, settings, labels, elsewhere=elsewhere).build(items)
    if not found.examples:
        raise InputError(
            f"no example can be made of {len(items):,} labelled items: label texts (feedback add), and let "
            "deductive examples be of texts that were classified, so that there are errors and misses"
        )
    return found


def check_adaptable(workspace: Core) -> ModelSettings:
    """Return the settings of the role whose model an adapter is trained for.

    Raises InputError if no role of a walk has a model of this process.
    """
    models = workspace.config.models
    for role in reversed(ROLES):
        settings: ModelSettings = getattr(models, role)
        if settings.provider == GGUF:
            return settings
    raise InputError(
        "an adapter is for a gguf/… model, and neither [models.navigator] nor [models.general_expert] has one; set "
        "one, or write examples to train a model elsewhere (learn export)"
    )


def train_adapter(
    workspace: Core,
    examples: Sequence[Example],
    out: Path,
    settings: LoraSettings | None = None,
    *,
    base: Path | None = None,
    on_step: OnStep | None = None,
) -> LoraResult:
    """Train an adapter on examples and write it to the folder `out` (`models.adapt.lora.train_lora`).

    Of the roles with this model all learn, others do not. Raises InputError if there is nothing to learn.
    """
    role = check_adaptable(workspace)
    chat = GgufChat(role.model.partition("/")[2], answer=role.answer)
    try:
        roles = {name for name in ROLES if same_model(getattr(workspace.config.models, name), role)}
        tokens = [
            made
            for each in examples
            if each.agent in roles
            if (made := answer_example(chat, each)) is not None
        ]
        return train_lora(chat, tokens, out, settings, base=base, on_step=on_step)
    finally:
        chat.close()


def same_model(one: ModelSettings, other: ModelSettings) -> bool:
    """Return whether two roles ask one model in the same way."""
    return (one.model, one.answer) == (other.model, other.answer)


def answer_example(chat: GgufChat, example: Example) -> AnswerExample | None:
    """Return an example in tokens, as its model is asked; None if it says nothing to a model that scores options."""
    if chat.answer != "scored" or example.kind == "deductive":
        return AnswerExample(chat.tokenize(example.request, example.arguments), (0,))
    places = range(len(example.options))
    if not example.right or len(example.right) == len(places):
        return None
    return AnswerExample(chat.tokenize(example.request), example.right)


def export_examples(
    workspace: Core, path: Path, form: str = "openai", settings: ExampleSettings | None = None
) -> ExampleSet:
    """Write examples of all labelled items to a file (`write_examples`); return them."""
    check_format(form)
    items = read_feedback(workspace).items
    found = PORTAL.run(collect_examples(workspace, items, settings, elsewhere=True))
    write_examples(path, found.examples, form)
    return found
