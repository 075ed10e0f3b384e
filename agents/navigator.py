"""The navigator: before a node's branches, decide which to open for an item (XMC-Agent, 2.1, first stage)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.asking import Answer, Asker, Question
from taxonaut.agents.support.exemplars import Exemplars
from taxonaut.agents.support.texts import PATH_SEPARATOR, node_text, path_text
from taxonaut.models.requests import Answers, Choice
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import NodeId
from taxonaut.state.records import Item, Node
from taxonaut.tools.expand_node import FIELD, Expansion, expand_node_spec
from taxonaut.tools.support.offers import shuffle_options

TEMPLATE = "navigator/expand"
SCORED_TEMPLATE = "navigator/expand_scored"
"""For models that answer by the likelihood of the options' own texts."""

ROOT = "Root"
"""What ancestor augmentation calls the root, which has no name."""


@dataclass(frozen=True, slots=True)
class NavigatorSettings:
    """How a navigator looks at a node.

    `most`: most branches it may open at one node. `options_per_request`: a node with more branches is
    shown in several requests. `examples`: labels shown with each branch. `native`: the tree is the person's
    own, so that paths mean something. `seed`: with the node's id it decides the order in which branches are
    shown.
    """

    task: str = ""
    most: int = 16
    options_per_request: int = 64
    examples: int = 3
    native: bool = True
    seed: int = 0


class Navigator:
    """Decide which branches to open; the walk's order and budget are the graph's business.

    `exemplars` are for models that compare texts and read no prompt: what stands for a branch beside its name.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        settings: NavigatorSettings | None = None,
        exemplars: Exemplars | None = None,
        template: str = TEMPLATE,
    ) -> None:
        self.settings = settings or NavigatorSettings()
        self.exemplars = exemplars
        self.asker = Asker("navigator", model, prompts.get(template), self.settings.task)

    async def choose(
        self,
        visits: Sequence[tuple[Item, NodeId]],
        expansions: Mapping[NodeId, Expansion],
        paths: Mapping[NodeId, Sequence[str]],
        ancestors: bool | None = None,
    ) -> list[Answer[NodeId]]:
        """Choose branches for each item at each node it visits; node by node, so that prompts share prefixes.

        `paths` are the names from the top down to each node. `ancestors` is `WalkPolicy.ancestors`. Returns one
        answer per request: a node with many branches gives several.
        """
        ordered = sorted(visits, key=lambda visit: visit[1])
        questions = {
            node: self.questions(expansions[node], paths[node], ancestors)
            for node in dict.fromkeys(v[1] for v in ordered)
        }
        pairs = [(item, question) for item, node in ordered for question in questions[node]]
        pairs.sort(key=lambda pair: (pair[1].node or 0, pair[1].offer.seed))
        return await self.asker.ask(pairs)

    def questions(
        self, expansion: Expansion, path: Sequence[str], ancestors: bool | None = None
    ) -> list[Question[NodeId]]:
        """Write the requests' shared part for one node."""
        size = self.settings.options_per_request
        branches = expansion.branches
        parts = [branches[start : start + size] for start in range(0, len(branches), size)]
        return [
            self.question(expansion.node, part, path, number, ancestors) for number, part in enumerate(parts)
        ]

    def question(
        self, node: NodeId, branches: Sequence[Node], path: Sequence[str], part: int, ancestors: bool | None
    ) -> Question[NodeId]:
        """Write one request's shared part: number the branches, render them, bind the schema to them."""
        by_id = {branch.id: branch for branch in branches}
        offer = shuffle_options(
            [branch.id for branch in branches], seed=self.settings.seed * 1_000_003 + node * 101 + part
        )
        most = min(self.settings.most, len(branches))

        def variables() -> dict[str, Any]:
            options = [
                {
                    "id": number,
                    "name": by_id[branch].name,
                    "description": by_id[branch].description,
                    "path": augmented(by_id[branch], path) if ancestors else "",
                    "examples": list(by_id[branch].examples[: self.settings.examples]),
                }
                for number, branch in enumerate(offer.options, start=1)
            ]
            name = path[-1] if path else ""
            way = name if ancestors is False else path_text(path)
            return {"node": name, "path": way, "options": options, "most": most}

        system, context = self.asker.render_shared(variables)
        choices = tuple(
            Choice(number, self.texts(by_id[branch], path, ancestors))
            for number, branch in enumerate(offer.options, start=1)
        )
        return Question(
            node,
            offer,
            choices,
            expand_node_spec(len(branches), most),
            FIELD,
            most,
            system,
            context,
            sample=self.asker.sample,
        )

    def texts(self, branch: Node, path: Sequence[str], ancestors: bool | None) -> tuple[str, ...]:
        """Return what a branch is compared by: its own text, then its exemplars'.

        In a native tree an exemplar's text is its path already. In a tree that was built `ancestors` puts the
        branch's path before the name; without, only names are compared in either.
        """
        native = self.settings.native
        own = node_text(branch, path, native if ancestors is None else ancestors)
        below = self.exemplars.of(branch.id) if self.exemplars is not None else branch.examples
        if ancestors is False and native:
            below = tuple(text.rpartition(PATH_SEPARATOR)[2] for text in below)
        if ancestors and not (native and self.exemplars is not None):
            below = tuple(path_text((own, text)) for text in below)
        return tuple(dict.fromkeys((own, *below)))


def augmented(branch: Node, path: Sequence[str]) -> str:
    """Return a branch as ancestor augmentation shows it (XMC-Agent, appendix B): `Root > Arts > Dance`."""
    return path_text((ROOT, *path, branch.name))
