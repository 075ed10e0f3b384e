"""Examples for language models, from what walks got right and wrong (XMC-Agent 2.3, figure 4).

*Inductive* (contrastive feedback): a shortlist of labels that were hit, errors and missed, with labels that the walk
never saw; the answer is all right ones. At a node its branches are the options. *Deductive* (self-feedback): the
model's own reasons why an error does not fit and a miss does. Both are rendered by the agents that ask the model
in a walk, so that what is learned is what is asked.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from taxonaut.agents.general_expert import GeneralExpert
from taxonaut.agents.navigator import Navigator
from taxonaut.agents.support.texts import path_text
from taxonaut.agents.writers.feedback_writer import FeedbackWriter, FitCase, FitFeedback
from taxonaut.models.requests import ModelRequest
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Item
from taxonaut.state.stores.ledger import MarkKind
from taxonaut.workspace.learn.feedback import MarkedItem

T = TypeVar("T", bound=int | str)

Kind = Literal["inductive", "deductive"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NONE_ID = 0


@dataclass(frozen=True, slots=True)
class ExampleSettings:
    """How examples are made.

    `kinds`: inductive, deductive or both, about 1 : 1. `options`: most options of a question. `nodes`: most nodes of
    an item at which its branches are asked about. `none`: share of the shortlists without a right label, whose
    answer is *none of these*. `seed` decides what is sampled and the order of the options.
    """

    kinds: tuple[Kind, ...] = KINDS
    options: int = 10
    nodes: int = 1
    none: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings with which there are no examples."""
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise InputError(f"kinds of examples are {', '.join(KINDS)}, not {', '.join(unknown) or 'none'}")
        if self.options < 2:
            raise InputError(f"a question needs at least 2 options, not {self.options!r}")
        if self.nodes < 0 or not 0 <= self.none < 1:
            raise InputError(
                f"nodes must be 0 or more, and none from 0 to below 1: {self.nodes!r}, {self.none!r}"
            )


@dataclass(frozen=True, slots=True)
class Example:
    """A question that an agent asks, with the call that answers it.

    `agent` asks it, at `node` or, without one, about a shortlist. `options` are the ids on offer in their order, and
    `marks` what each is: hit, error, miss or irrelevant; both are those of the one label or node of a deductive
    example. `arguments` is the call.
    """

    kind: Kind
    agent: Literal["navigator", "general_expert"]
    item: ItemId
    node: NodeId | None
    options: tuple[str, ...]
    marks: tuple[str, ...]
    seed: int
    request: ModelRequest
    arguments: Mapping[str, Any]

    @property
    def right(self) -> tuple[int, ...]:
        """The places of the right options, from 0."""
        return tuple(place for place, mark in enumerate(self.marks) if mark in ("hit", "miss"))


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """Examples, the decision rows of the reasons that were asked for, and how many of these were not usable."""

    examples: tuple[Example, ...]
    decisions: tuple[Decision, ...] = ()
    unexplained: int = 0

    def counts(self) -> dict[str, int]:
        """Return how many examples there are of each kind."""
        found = Counter(each.kind for each in self.examples)
        return {kind: found[kind] for kind in KINDS}


def sample_options(
    right: Sequence[T],
    errors: Sequence[T],
    others: Sequence[T],
    size: int,
    source: random.Random,
    without: Collection[T] = (),
) -> tuple[T, ...]:
    """Sample the options of a question: right ones, errors, and irrelevant ones from `others`.

    Right ones take at most half of the places, errors half of the rest, irrelevant ones what is left. `others` may
    hold right ones and errors too; none of `without` is drawn from it.
    """
    chosen: list[T] = source.sample(list(right), min(len(right), max(1, size // 2)))
    chosen += source.sample(
        list(errors), min(len(errors), max(1, (size - len(chosen)) // 2), size - len(chosen))
    )
    known = {*right, *errors, *without}
    wanted = size - len(chosen)
    drawn = source.sample(list(others), min(len(others), wanted + len(known)))
    return (*chosen, *[each for each in drawn if each not in known][:wanted])


class ExampleBuilder:
    """Makes examples of marked items, rendered by the agents of a walk.

    `labels`: those that may be on offer; others, such as labels held out to see how well unseen ones are found, are
    in no example. `ancestors` is `WalkPolicy.ancestors`. `explainers`: who writes the reasons, by the agent whose
    questions they are about; needed for deductive examples only.
    """

    def __init__(
        self,
        index: Index,
        navigator: Navigator,
        expert: GeneralExpert,
        settings: ExampleSettings | None = None,
        *,
        labels: Iterable[LabelId] | None = None,
        ancestors: bool | None = None,
        explainers: Mapping[str, FeedbackWriter] | None = None,
    ) -> None:
        self.index = index
        self.navigator = navigator
        self.expert = expert
        self.settings = settings or ExampleSettings()
        self.labels = list(index.label_ids() if labels is None else labels)
        self.known = frozenset(self.labels)
        self.ancestors = ancestors
        self.explainers = explainers or {}

    async def build(self, items: Sequence[MarkedItem]) -> ExampleSet:
        """Make the examples of the settings' kinds. Raises ModelNotFoundError if the model does not exist.

        Where both kinds are wanted, as many are deductive as inductive, if there are so many inconsistent labels and
        nodes; a reason that the model does not give is left out and counted.
        """
        kinds = self.settings.kinds
        inductive = [each for item in items for each in self.inductive(item)]
        cases = [each for item in items for each in self.cases(item)] if "deductive" in kinds else []
        if "inductive" in kinds:
            source = random.Random(f"{self.settings.seed} cases")
            cases = source.sample(cases, min(len(cases), len(inductive)))
        explained = await self.explain(cases)
        found = inductive if "inductive" in kinds else []
        return ExampleSet((*found, *explained.examples), explained.decisions, explained.unexplained)

    def inductive(self, marked: MarkedItem) -> list[Example]:
        """Return the contrastive examples of an item: a shortlist, and some nodes with their branches."""
        source = random.Random(f"{self.settings.seed} {marked.item.id}")
        shortlist = self.shortlist(marked, source)
        branching = self.branching(marked)
        nodes = source.sample(branching, min(self.settings.nodes, len(branching)))
        found = [shortlist, *(self.branches(marked, node, source) for node in nodes)]
        return [example for example in found if example is not None]

    def shortlist(self, marked: MarkedItem, source: random.Random) -> Example | None:
        """Return the example of a shortlist; None if it would hold no known label or nothing to tell apart."""
        right = [label for label in marked.right if label in self.known]
        errors = [label for label in wrong_labels(marked) if label in self.known]
        if marked.right and not right:
            return None
        shown = [] if source.random() < self.settings.none else right
        options = sample_options(shown, errors, self.labels, self.settings.options, source, marked.right)
        if len(options) < 2:
            return None
        seed = source.randrange(2**31)
        labels = {label.id: label for label in self.index.labels(options)}
        paths = {label: ways[0] for label, ways in self.index.paths_of(list(options)).items() if ways}
        question = self.expert.build_question(sorted(options), labels, paths, seed)
        marks = {
            **dict.fromkeys(errors, "error"),
            **{label: "miss" if label in marked.missed else "hit" for label in shown},
        }
        return self.finish("general_expert", marked.item, question, marks, seed)

    def branching(self, marked: MarkedItem) -> list[NodeId]:
        """Return the nodes that have marked branches, in order."""
        children = [node for node in marked.nodes if self.index.has_node(node)]
        return list(dict.fromkeys(parent.id for node in children for parent in self.index.parents(node)))

    def branches(self, marked: MarkedItem, node: NodeId, source: random.Random) -> Example | None:
        """Return the example of a node: which of its branches lead to right labels; None if it has one branch."""
        children = {child.id: child for child in self.index.children(node)}
        right = [child for child in children if marked.nodes.get(child) in ("hit", "miss")]
        errors = [child for child in children if marked.nodes.get(child) == "error"]
        options = sample_options(right, errors, list(children), self.settings.options, source)
        if len(options) < 2:
            return None
        seed = source.randrange(2**31)
        path = self.node_path(node)
        shown = [children[option] for option in sorted(options)]
        question = self.navigator.build_question(node, shown, path, 0, self.ancestors, seed)
        return self.finish("navigator", marked.item, question, marked.nodes, seed)

    def finish(
        self,
        agent: Literal["navigator", "general_expert"],
        item: Item,
        question: Any,
        marks: Mapping[Any, str],
        seed: int,
    ) -> Example:
        """Return the example of a question: the request that the agent sends, and all right options as its answer."""
        asker = self.navigator.asker if agent == "navigator" else self.expert.asker
        (request,) = asker.build_requests([(item, question)])
        shown = tuple(marks.get(option, "irrelevant") for option in question.offer.options)
        right = [number for number, mark in enumerate(shown, start=1) if mark in ("hit", "miss")]
        return Example(
            kind="inductive",
            agent=agent,
            item=item.id,
            node=question.node,
            options=tuple(map(str, question.offer.options)),
            marks=shown,
            seed=seed,
            request=request,
            arguments={question.field: right[: question.most] or [NONE_ID]},
        )

    def cases(self, marked: MarkedItem) -> "list[tuple[str, NodeId | LabelId, MarkKind, FitCase]]":
        """Return the inconsistent labels and nodes of an item, each with what is to be explained."""
        wrong: dict[LabelId, MarkKind] = {
            **dict.fromkeys((label for label in wrong_labels(marked) if label in self.known), "error"),
            **dict.fromkeys((label for label in marked.missed if label in self.known), "miss"),
        }
        paths = self.index.paths_of(list(wrong))
        found: list[tuple[str, NodeId | LabelId, MarkKind, FitCase]] = []
        for label in self.index.labels(list(wrong)):
            name = path_text((paths.get(label.id) or [(label.name,)])[0])
            case = FitCase(marked.item, name, label.description, False, wrong[label.id] == "miss")
            found.append(("general_expert", label.id, wrong[label.id], case))
        for node, mark in marked.nodes.items():
            if mark == "hit" or not self.index.has_node(node) or node == self.index.root():
                continue
            own = self.index.node(node)
            case = FitCase(
                marked.item, path_text(self.node_path(node)), own.description, True, mark == "miss"
            )
            found.append(("navigator", node, mark, case))
        return found

    async def explain(self, cases: "Sequence[tuple[str, NodeId | LabelId, MarkKind, FitCase]]") -> ExampleSet:
        """Ask for the reasons of cases, and make examples of those that the model gives."""
        by_agent: dict[str, list[tuple[NodeId | LabelId, MarkKind, FitCase]]] = defaultdict(list)
        for agent, about, mark, case in cases:
            by_agent[agent].append((about, mark, case))
        examples: list[Example] = []
        decisions: list[Decision] = []
        for agent, given in by_agent.items():
            writer = self.explainers[agent]
            feedback = await writer.write([case for _, _, case in given])
            for (about, mark, case), reasons in zip(given, feedback, strict=True):
                decisions.append(reasons.decision)
                if reasons.words is not None:
                    examples.append(self.deductive(agent, about, mark, case, reasons, writer))
        return ExampleSet(tuple(examples), tuple(decisions), len(cases) - len(examples))

    def deductive(
        self,
        agent: str,
        about: "NodeId | LabelId",
        mark: MarkKind,
        case: FitCase,
        reasons: FitFeedback,
        writer: FeedbackWriter,
    ) -> Example:
        """Return the example of reasons: asked without the verdict, answered by the reasons and the verdict."""
        return Example(
            kind="deductive",
            agent="navigator" if agent == "navigator" else "general_expert",
            item=case.item.id,
            node=NodeId(int(about)) if case.branch else None,
            options=(str(about),),
            marks=(mark,),
            seed=self.settings.seed,
            request=writer.build_question(case),
            arguments=reasons.arguments,
        )

    def node_path(self, node: NodeId) -> tuple[str, ...]:
        """Return the names from the root to a node, without the root."""
        way = self.index.node_paths([node])[node]
        names = {each.id: each.name for each in self.index.nodes(list(way))}
        return tuple(names[step] for step in way)


def wrong_labels(marked: MarkedItem) -> tuple[LabelId, ...]:
    """Return the labels that were answered and are wrong, then those that were said to be wrong."""
    return tuple(dict.fromkeys((*marked.errors, *marked.wrong)))
