"""Estimate the requests and tokens of a build by agents, without calling a language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from taxonaut.models.catalog import ENCODER
from taxonaut.models.estimates import EstimatingAnswers, Proposed, Tally
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.state.updates import staged
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder
from taxonaut.workspace.build.build_agents import build_agents_on, label_encoder, label_names
from taxonaut.workspace.build.builders import TreeSettings, build_config, build_policy
from taxonaut.workspace.core.config import DEFAULT_CHOOSER
from taxonaut.workspace.core.container import Wiring
from taxonaut.workspace.core.core import Core


@dataclass(frozen=True, slots=True)
class RoleEstimate:
    """Requests and tokens of one role; an encoder has comparisons instead."""

    role: str
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    comparisons: int = 0


@dataclass(frozen=True, slots=True)
class BuildEstimate:
    """Requests and tokens of a build over `labels` labels."""

    labels: int
    roles: tuple[RoleEstimate, ...]

    @property
    def requests(self) -> int:
        """The sum over all roles."""
        return sum(role.requests for role in self.roles)

    @property
    def comparisons(self) -> int:
        """The sum over all roles."""
        return sum(role.comparisons for role in self.roles)

    @property
    def prompt_tokens(self) -> int:
        """The sum over all roles."""
        return sum(role.prompt_tokens for role in self.roles)

    @property
    def completion_tokens(self) -> int:
        """The sum over all roles."""
        return sum(role.completion_tokens for role in self.roles)


async def aestimate_build(workspace: Core, **settings: Unpack[TreeSettings]) -> BuildEstimate:
    """Run the build with the encoder in place of language models, and count every prompt that it renders.

    The real build differs, as its models group labels differently. Nothing is sent or written.
    """
    workspace.check_has_labels()
    labels = workspace.index.all_labels()
    build = build_config(workspace.wiring, settings)
    wiring = workspace.wiring.with_config(workspace.config.model_copy(update={"build": build}))
    table = label_names(wiring, labels)
    models = wiring.config.models
    proposed = Proposed()
    tallies = {
        "architect": Tally(estimating_model(wiring, models.architect, table.texts, proposed)),
        "annotator": Tally(estimating_model(wiring, models.annotator, table.texts, proposed)),
    }
    agents = build_agents_on(wiring, table, tallies["architect"], tallies["annotator"])
    builder = AgentsTreeBuilder(lambda _: agents, build_policy(build))
    with staged("estimating"):
        await builder.split(agents, labels, None)
    roles = tuple(
        RoleEstimate(
            role,
            tally.name,
            tally.requests,
            tally.prompt_tokens,
            tally.completion_tokens,
            tally.comparisons,
        )
        for role, tally in tallies.items()
    )
    return BuildEstimate(len(labels), roles)


def estimating_model(
    wiring: Wiring, model: ModelSettings, names: Sequence[str], proposed: Proposed
) -> Answers:
    """Return the encoder itself, or for a language model an encoder that counts prompt and answer tokens."""
    if model.provider == ENCODER:
        return label_encoder(wiring, model, names)
    encoder = label_encoder(wiring, ModelSettings(model=DEFAULT_CHOOSER), names)
    return EstimatingAnswers(model, encoder, proposed=proposed)
