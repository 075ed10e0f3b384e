"""Navigator: decide which branches of a node to open for an item (XMC-Agent 2.1, first stage)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taxonaut.agents.asking import Answer, Asker, Question
from taxonaut.agents.support.demonstrations import Demonstrations
from taxonaut.agents.support.exemplars import Exemplars
from taxonaut.agents.support.texts import PATH_SEPARATOR, node_text, path_text, tell_apart
from taxonaut.models.requests import Answers, Choice, OptionText
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import NodeId
from taxonaut.state.records import Item, Node
from taxonaut.tools.expand_node import FIELD, Expansion, expand_node_spec
from taxonaut.tools.support.offers import shuffle_options

TEMPLATE = "navigator/expand"
SCORED_TEMPLATE = "navigator/expand_scored"
"""For models that score the options' texts by likelihood."""

ROOT = "Root"
"""Name of the root in ancestor augmentation."""


@dataclass(frozen=True, slots=True)
class NavigatorSettings:
    """Navigator settings.

    `most`: maximum number of branches opened at a node. `options_per_request`: a node with more branches is shown
    in several requests. `examples`: labels shown with each branch. `native`: the tree is the user's own, so its
    paths are meaningful. `seed` and the node's id determine the order of the branches.
    """

    task: str = ""
    most: int = 16
    options_per_request: int = 64
    examples: int = 3
    native: bool = True
    seed: int = 0


class Navigator:
    """Decide which branches to open; the graph controls order and budget of the walk.

    `exemplars` are further texts of a branch, for models that compare texts and read no prompt. `demonstrations` are
    labelled texts, for a template that shows them.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        settings: NavigatorSettings | None = None,
        exemplars: Exemplars | None = None,
        template: str = TEMPLATE,
        demonstrations: Demonstrations | None = None,
    ) -> None:
        self.settings = settings or NavigatorSettings()
        self.exemplars = exemplars
        self.asker = Asker("navigator", model, prompts.get(template), self.settings.task, demonstrations)

    async def choose(
        self,
        visits: Sequence[tuple[Item, NodeId]],
        expansions: Mapping[NodeId, Expansion],
        paths: Mapping[NodeId, Sequence[str]],
        ancestors: bool | None = None,
    ) -> list[Answer[NodeId]]:
        """Choose branches for each visit of an item to a node; requests go node by node, to share prompt prefixes.

        `paths` hold the names from the root to each node. `ancestors` is `WalkPolicy.ancestors`. Returns one answer
        per request: a node with many branches has several.
        """
        ordered = sorted(visits, key=lambda visit: visit[1])
        questions = {
            node: self.build_questions(expansions[node], paths[node], ancestors)
            for node in dict.fromkeys(v[1] for v in ordered)
        }
        pairs = [(item, question) for item, node in ordered for question in questions[node]]
        pairs.sort(key=lambda pair: (pair[1].node or 0, pair[1].offer.seed))
        return await self.asker.ask(pairs)

    def build_questions(
        self, expansion: Expansion, path: Sequence[str], ancestors: bool | None = None
    ) -> list[Question[NodeId]]:
        """Build the questions about one node."""
        size = self.settings.options_per_request
        branches = expansion.branches
        parts = [branches[start : start + size] for start in range(0, len(branches), size)]
        return [
            self.build_question(expansion.node, part, path, number, ancestors)
            for number, part in enumerate(parts)
        ]

    def build_question(
        self,
        node: NodeId,
        branches: Sequence[Node],
        path: Sequence[str],
        part: int,
        ancestors: bool | None,
        seed: int | None = None,
    ) -> Question[NodeId]:
        """Build the question about some branches: number and render them, bind the schema to them.

        `seed` decides their order in place of the settings' seed and the node.
        """
        by_id = {branch.id: branch for branch in branches}
        own = self.settings.seed * 1_000_003 + node * 101 + part
        offer = shuffle_options([branch.id for branch in branches], seed=own if seed is None else seed)
        most = min(self.settings.most, len(branches))

        shown = tell_apart(
            {branch.id: branch.name for branch in branches},
            {branch.id: branch.label_id for branch in branches},
        )

        def variables() -> dict[str, Any]:
            options = [
                {
                    "id": number,
                    "name": shown[branch],
                    "description": by_id[branch].description,
                    "path": augmented_path(shown[branch], path) if ancestors else "",
                    "examples": list(by_id[branch].examples[: self.settings.examples]),
                }
                for number, branch in enumerate(offer.options, start=1)
            ]
            name = path[-1] if path else ""
            way = name if ancestors is False else path_text(path)
            return {"node": name, "path": way, "options": options, "most": most}

        system, context = self.asker.render_shared(variables)
        choices = tuple(
            Choice.of(number, self.comparison_texts(by_id[branch], path, ancestors), branch)
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

    def comparison_texts(
        self, branch: Node, path: Sequence[str], ancestors: bool | None
    ) -> tuple[OptionText, ...]:
        """Return the texts a branch is compared by: its own, then its exemplars'.

        In a native tree an exemplar's text is a path. In a built tree, `ancestors` prepends the branch's path.
        Without `ancestors`, only names are compared.
        """
        native = self.settings.native
        own = node_text(branch, path, native if ancestors is None else ancestors)
        below = (
            self.exemplars.of(branch.id)
            if self.exemplars is not None
            else tuple(map(OptionText, branch.examples))
        )
        if ancestors is False and native:
            below = tuple(replace(option, text=option.text.rpartition(PATH_SEPARATOR)[2]) for option in below)
        if ancestors and not (native and self.exemplars is not None):
            below = tuple(replace(option, text=path_text((own, option.text))) for option in below)
        known = {option.text: option for option in below}
        first = known.get(own, OptionText(own, description=branch.description if native else ""))
        return tuple({own: first, **known}.values())


def augmented_path(branch: str, path: Sequence[str]) -> str:
    """Return the path of ancestor augmentation (XMC-Agent, appendix B): `Root > Arts > Dance`."""
    return path_text((ROOT, *path, branch))
