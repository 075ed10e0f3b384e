"""Evolve blocks of prompt templates by reflection on attributed failures (GEPA; Agrawal et al. 2025).

Candidates are texts of blocks. Each is scored by the workspace's own walk on items with gold labels; the model of
a role rewrites a block after what it got wrong; the best one is judged on items that the evolution never saw. All
that was asked is kept in the workspace, so that a second call goes through the same steps without asking again.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

from taxonaut.evaluation.harness import check_rows
from taxonaut.evaluation.trials import gepa_loop
from taxonaut.evaluation.trials.failures import Case, describe_cases
from taxonaut.evaluation.trials.instruction_writer import TEMPLATE as WRITER
from taxonaut.evaluation.trials.instruction_writer import Instructions, InstructionWriter
from taxonaut.evaluation.trials.trial import Run, TrialReport, compare_runs, run_under, store_report
from taxonaut.evaluation.trials.trial_run import (
    READERS,
    Role,
    classify_run,
    explain_encoder,
    find_reader,
    run_classify,
)
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.catalog import ENCODER
from taxonaut.models.llm.prices import Prices
from taxonaut.models.llm.spending import (
    Budget,
    Spending,
    check_prices,
    price_finder,
    require_prices,
)
from taxonaut.models.settings import ModelSettings
from taxonaut.state import version
from taxonaut.state.errors import BudgetSpentError, InputError, ModelError, ModelReplyError
from taxonaut.state.records import hash_text
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import OnUpdate, Progress, as_one_stage, listening, tell
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.core.resumable import Resumable, unit_key
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.prompt_lab.masked_blocks import MaskedBlock, mask_block, version_with
from taxonaut.workspace.prompt_lab.proposed_blocks import CopyCheck, ProposalCheck, longest_text
from taxonaut.workspace.prompt_lab.template_versions import (
    Restored,
    Version,
    effective_version,
    packaged_version,
    restore,
)
from taxonaut.workspace.workspace import Workspace

KIND = "prompt evolution"
STAGE = "evolving prompts"

ROLES: tuple[Role, ...] = get_args(Role)
BLOCKS = ("system",)
"""The blocks that evolve by default; `context` may too, `item` is the item alone."""

EVOLVING_SHARE = 0.6
"""The share of the budget that the evolution may use; the rest is for the judgement."""

LEAST_EVOLVING, LEAST_JUDGING = 6, 10
"""Fewest items with gold labels of each part."""

MOST_SCORED = 100
"""Most items that every candidate is scored on."""

REPLANNED = 4
"""A budget for so many times as many items plans anew how many are scored."""

PROBED = 4
"""Items that are walked first, to see how many requests an item needs."""

ATTEMPTS = 3
"""Proposals of one rewriting: each is told why those before were refused."""

DUTIES: Mapping[Role, str] = {
    "navigator": "it walks a text down a tree of categories. At a node it sees the branches, and opens those under "
    "which a right label may lie; what it passes by is lost.",
    "general_expert": "it sees the labels that a search has found for a text, and names those that fit, best first.",
}

Verdict = Literal["better", "not worse", "open", "worse", "not judged", "no proposal"]
"""What the held-out items say: `better` or `not worse` by their interval, `open`: it holds both, too few items."""


@dataclass(frozen=True, slots=True)
class EvolutionSettings:
    """What evolves and how far.

    `role`: the one whose template evolves, None: both that a language model answers. `requests` and `money`: the
    most that the evolution spends in all its calls, the judgement included. `prices`: for models that LiteLLM's list
    lacks. `holdout`: the share of the items that only judge. `by`: the role whose model rewrites. `margin`: a fall of
    so much is none. `minibatch`: cases that a rewriting is shown.
    """

    role: Role | None = None
    blocks: tuple[str, ...] = BLOCKS
    requests: int = 200
    money: float | None = None
    prices: Prices | None = None
    holdout: float = 0.5
    by: str = "architect"
    margin: float = 0.02
    minibatch: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that was proposed for a block; `refused` says why it was not tried, "" if it was."""

    block: str
    text: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class BlockChange:
    """A block that the best candidate has another text for, as sources."""

    template: str
    block: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Evolution:
    """The outcome. `versions` are the proposed versions of templates, `former` the hashes of those they replace.

    `scores` are the mean scores of the candidates on the items they evolved on, the present blocks first. `trials`
    has a report for each changed template, on `judged` of the `held_out` items; `looks` counts the proposals that
    these items have judged. `ended` says why it stopped, `priced` whether the money is known. `left`: the requests
    that are left; `needed`: about how many in all the judgement would take that the budget did not allow.
    """

    versions: tuple[Version, ...]
    former: Mapping[str, str]
    changes: tuple[BlockChange, ...]
    scores: tuple[float, ...]
    best: float
    proposals: tuple[Proposal, ...]
    verdict: Verdict
    trials: tuple[TrialReport, ...]
    evolved_on: int
    held_out: int
    judged: int
    looks: int
    spent: Spending
    priced: bool
    ended: str
    left: int = 0
    needed: int = 0

    @property
    def adoptable(self) -> bool:
        """Whether the held-out items say that it does not get worse."""
        return self.verdict in ("better", "not worse")


async def alearn_prompts(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    settings: EvolutionSettings | None = None,
    *,
    on_update: OnUpdate | None = None,
) -> Evolution:
    """Evolve blocks of the walk's templates on items with gold labels, and judge the best on held-out ones.

    Nothing is changed; `adopt_prompts` takes the proposal over. What is finished is kept: the same call again
    continues, and asks for nothing twice. Raises MissingExtraError without gepa, and InputError for too few items and
    where only encoders answer.
    """
    gepa_loop.require_gepa()
    learner = Learner(workspace, rows, settings or EvolutionSettings())
    with listening(on_update):
        return await learner.learn()


def learn_prompts(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    settings: EvolutionSettings | None = None,
    *,
    on_update: OnUpdate | None = None,
) -> Evolution:
    """Do what `alearn_prompts` does, from synchronous code."""
    return PORTAL.run(alearn_prompts(workspace, rows, settings, on_update=on_update))


def adopt_prompts(workspace: Workspace, evolution: Evolution) -> list[Restored]:
    """Put the proposed versions in use; the present ones are kept, and `prompts restore` brings them back.

    Raises InputError if the held-out items do not say that it gets no worse, or a template has changed meanwhile.
    """
    if not evolution.adoptable:
        raise InputError(
            f"the proposal is not adopted: on held-out items it is {evolution.verdict!r}; "
            "it must be 'better' or 'not worse'"
        )
    for name, former in evolution.former.items():
        if workspace.prompts.hash(name) != former:
            raise InputError(
                f"{name} was changed while its blocks evolved from version {former}; run the same command again to "
                "start from the version that is in use now"
            )
    return [restore(workspace, each.hash) for each in evolution.versions]


def evolving_templates(workspace: Workspace, role: Role | None) -> dict[Role, str]:
    """Return the template of each role whose blocks evolve. Raises InputError if no language model reads one."""
    templates = dict(zip(ROLES, workspace.wiring.walk_templates, strict=True))
    if role is not None:
        find_reader(workspace, templates[role])
        return {role: templates[role]}
    found = {}
    for each, name in templates.items():
        model: ModelSettings = getattr(workspace.config.models, each)
        asked = each != "navigator" or workspace.policy().shortlist != "dense"
        if model.provider != ENCODER and asked:
            found[each] = name
    if not found:
        said = explain_encoder(READERS[templates["navigator"]], workspace.config.models.navigator.model)
        raise InputError(f"there is nothing to evolve: {said}")
    return found


def check_writer(workspace: Workspace, by: str) -> ModelSettings:
    """Return the settings of the model that rewrites. Raises InputError for one that cannot."""
    models = workspace.config.models
    if by not in type(models).model_fields:
        raise InputError(f"unknown role {by!r}; the roles are: {', '.join(type(models).model_fields)}")
    settings: ModelSettings = getattr(models, by)
    if settings.provider == ENCODER:
        others = [
            role
            for role in type(models).model_fields
            if role != "assistant" and getattr(models, role).provider != ENCODER
        ]
        hint = f", or let another rewrite: --by {others[0]}" if others else ""
        raise InputError(
            f"the {by} is to rewrite instructions, and its model {settings.model!r} writes no text; give it a "
            f"language model under [models.{by}] in taxonaut.toml{hint}"
        )
    if settings.answer == "scored":
        raise InputError(
            f'the {by} is to rewrite instructions, and with answer = "scored" it writes no text; set '
            f'answer = "generated" under [models.{by}] in taxonaut.toml, or let another rewrite: --by ROLE'
        )
    return settings


def part_of(row: ItemRow) -> float:
    """Return a number from 0 to 1 that depends on an item's text alone: items below the holdout share judge.

    So an item stays in its part when others are added, and equal texts are in the same one.
    """
    digest = hashlib.sha256(" ".join(row.item.named_text.split()).encode(errors="replace")).digest()
    return int.from_bytes(digest[:8]) / 2**64


def divide(rows: Sequence[ItemRow], holdout: float) -> tuple[list[ItemRow], list[ItemRow]]:
    """Divide the items with gold labels into those that blocks evolve on and those that judge, in a random order.

    Raises InputError if either part is too small.
    """
    if not 0 < holdout < 1:
        raise InputError(f"invalid share of items held out: {holdout!r}; give a number between 0 and 1")
    gold = list({row.item.id: row for row in rows if row.gold and row.item.text.strip()}.values())
    ordered = sorted(gold, key=lambda row: (part_of(row), row.item.id))
    judging = [row for row in ordered if part_of(row) < holdout]
    evolving = [row for row in ordered if part_of(row) >= holdout]
    if len(evolving) < LEAST_EVOLVING or len(judging) < LEAST_JUDGING:
        least = math.ceil(max(LEAST_EVOLVING / (1 - holdout), LEAST_JUDGING / holdout))
        raise InputError(
            f"too few items with right labels: {len(gold)}, of which {len(evolving)} are to evolve on (at least "
            f"{LEAST_EVOLVING}) and {len(judging)} are held out (at least {LEAST_JUDGING}); give about "
            f"{least + 10} or more"
        )
    return evolving, judging


def judge(differences: Mapping[str, Interval], margin: float) -> Verdict:
    """Judge by paired intervals on held-out items: of P@1 and of R@k for the largest k.

    `better`: one lies above 0, and neither falls. `not worse`: neither reaches below the margin. `worse`: one lies
    below 0, or the first label is less often right. Else it is `open`.
    """
    deepest = max((name for name in differences if name.startswith("R@")), key=lambda name: int(name[2:]))
    found = [differences["P@1"], differences[deepest]]
    if any(each.high < 0 for each in differences.values()) or min(each.value for each in found) < -margin:
        return "worse"
    kept = all(each.low >= -margin for each in found)
    if kept and any(each.low > 0 for each in found):
        return "better"
    return "not worse" if kept else "open"


@dataclass
class Learner:
    """One evolution: what it starts from, what it may spend, and what was found."""

    workspace: Workspace
    rows: Sequence[ItemRow]
    settings: EvolutionSettings
    proposals: list[Proposal] = field(default_factory=list)
    cases: dict[tuple[str, str], Case] = field(default_factory=dict)
    walked: int = 0
    walk_requests: int = 0

    def __post_init__(self) -> None:
        given, workspace = self.settings, self.workspace
        if given.requests < 1:
            raise InputError(f"invalid number of requests: {given.requests}; give at least 1")
        self.templates = evolving_templates(workspace, given.role)
        self.writer_settings = check_writer(workspace, given.by)
        check_rows(workspace, self.rows)
        workspace.check_walkable()
        self.evolving, self.judging = divide(self.rows, given.holdout)
        self.blocks: dict[str, MaskedBlock] = {}
        self.roles: dict[str, Role] = {}
        for role, template in self.templates.items():
            for block in given.blocks:
                masked = mask_block(workspace.prompts, template, block)
                if masked.text and block != "item":
                    self.blocks[masked.name], self.roles[masked.name] = masked, role
        if not self.blocks:
            raise InputError(
                f"there is nothing to evolve: {', '.join(self.templates.values())} has no prose in "
                f"{', '.join(given.blocks)}; give another --block: system or context"
            )
        models = workspace.config.models
        asked = {role: getattr(models, role) for role in (*ROLES, given.by)}
        asked = {role: each for role, each in asked.items() if each.provider != ENCODER}
        find = price_finder(given.prices, workspace.wiring.injected.models)
        if given.money is not None:
            require_prices(asked, find)
        self.priced = check_prices(asked, find)
        self.run = self.open_run()
        kept = self.run.finished(["spent", "plan"])
        self.plan: dict[str, Any] = kept.get("plan", {"judged": []})
        self.walked = int(kept.get("spent", {}).get("walked", 0))
        self.walk_requests = int(kept.get("spent", {}).get("walk_requests", 0))
        spent = Spending(**kept.get("spent", {}).get("spending", {}))
        self.budget = Budget(given.requests, given.money, find, spent, self.keep_spending)
        self.metered = workspace.with_wrapped_models(self.budget.metered)

    def open_run(self) -> RunUnits:
        """Open the run that keeps the steps: another one for other items, models, templates or settings."""
        workspace, given = self.workspace, self.settings
        names = [*self.templates.values(), *workspace.wiring.walk_templates, WRITER]
        settings = {
            "index": workspace.index.version(),
            "templates": workspace.store_templates(dict.fromkeys(names)),
            "version": version.VERSION,
            **workspace.config.answer_settings(),
            **workspace.learned_identity,
            "blocks": list(self.blocks),
            "by": given.by,
            "writer": self.writer_settings.model_dump(),
            "holdout": given.holdout,
            "minibatch": given.minibatch,
            "seed": given.seed,
        }
        gold = (f"{unit_key(row.item)} {' '.join(row.gold)}" for row in (*self.evolving, *self.judging))
        return Resumable(workspace.runs, KIND, settings, gold).open()

    def keep_spending(self, spent: Spending) -> None:
        """Store what was spent, and tell how far the budget is used."""
        row = {"spending": spent.row(), "walked": self.walked, "walk_requests": self.walk_requests}
        self.run.finish({"spent": row}, ())
        tell(Progress(STAGE, min(spent.requests, self.settings.requests), self.settings.requests))

    @cached_property
    def check(self) -> ProposalCheck:
        """The check of proposed texts."""
        index, prompts = self.workspace.index, self.workspace.prompts
        counts: dict[str, int] = {}
        for row in self.rows:
            for label in index.labels(list(dict.fromkeys(row.gold))):
                counts[label.name] = counts.get(label.name, 0) + 1
        packaged = [packaged_version(name).files.values() for name in self.templates.values()]
        known = [
            *(block.text for block in self.blocks.values()),
            *(text for texts in packaged for text in texts),
            self.workspace.config.task.description,
        ]
        copies = CopyCheck([row.item.named_text for row in self.rows], counts, known)
        return ProposalCheck(prompts, self.workspace.config, self.workspace.samples.all(), copies)

    async def learn(self) -> Evolution:
        """Evolve, then judge the best candidate."""
        with self.workspace.runs.recording_status(self.run.id):
            if self.workspace.compares_vectors:
                self.workspace.embed_labels()
            tell(
                Progress(
                    STAGE, min(self.budget.spent.requests, self.settings.requests), self.settings.requests
                )
            )
            self.budget.share = EVOLVING_SHARE
            try:
                size = await self.scored_items()
                evolved = await gepa_loop.evolve(
                    {name: block.text for name, block in self.blocks.items()},
                    self.evolving[:size],
                    self,
                    minibatch=self.settings.minibatch,
                    seed=self.settings.seed,
                )
            except BudgetSpentError:
                evolved = gepa_loop.Evolved({}, (), gepa_loop.SPENT)
                size = 0
            self.budget.share = 1.0
            return await self.finish(evolved, size)

    async def scored_items(self) -> int:
        """Return how many items every candidate is scored on; the first call plans it by its budget.

        A call with a much larger budget plans anew. There are more where the present blocks get all of them right.
        """
        seed = {name: block.text for name, block in self.blocks.items()}
        await self.evaluate(self.evolving[:PROBED], seed)
        affordable = int(EVOLVING_SHARE * self.settings.requests / (4 * self.requests_per_item))
        planned = int(self.plan.get("scored", 0))
        if affordable >= REPLANNED * planned:
            planned = max(LEAST_EVOLVING, planned, min(affordable, MOST_SCORED))
        size = min(planned, len(self.evolving))
        while size < len(self.evolving):
            cases = await self.evaluate(self.evolving[:size], seed)
            if any(case.score < gepa_loop.PERFECT for case in cases):
                break
            size = min(2 * size, len(self.evolving))
        if size != self.plan.get("scored"):
            self.keep_plan({"scored": size})
        return size

    def keep_plan(self, changes: Mapping[str, Any]) -> None:
        """Store a part of the plan."""
        self.plan |= dict(changes)
        self.run.finish({"plan": self.plan}, ())

    @property
    def requests_per_item(self) -> float:
        """The mean number of requests that an item's walk took here."""
        return max(1.0, self.walk_requests / self.walked) if self.walked else 1.0

    def version_of(self, candidate: Mapping[str, str]) -> list[Version]:
        """Return the versions of the templates that a candidate changes."""
        changed: dict[str, dict[str, str]] = {}
        for name, text in candidate.items():
            block = self.blocks[name]
            if text != block.text:
                changed.setdefault(block.template, {})[block.block] = self.check.compile(block, text)
        return [version_with(self.workspace.prompts, name, blocks) for name, blocks in changed.items()]

    def under(self, versions: Sequence[Version]) -> Workspace:
        """Return the metered workspace with these versions of templates."""
        prompts = self.workspace.prompts
        for each in versions:
            prompts = prompts.with_version(each.name, each.files)
        return self.metered.with_prompts(prompts)

    async def evaluate(self, rows: Sequence[ItemRow], candidate: Mapping[str, str]) -> list[Case]:
        """Walk items under a candidate's templates; those walked before are not walked again.

        Raises BudgetSpentError if what is left of the budget is unlikely to suffice.
        """
        key = hash_text("\0".join(f"{name}\0{text}" for name, text in sorted(candidate.items())))
        missing = [row for row in rows if (key, row.item.id) not in self.cases]
        if missing:
            under = self.under(self.version_of(candidate))
            fresh = len(self.not_walked(under, missing))
            if self.walked and math.ceil(self.requests_per_item * fresh) > self.budget.left:
                raise BudgetSpentError
            before = self.budget.spent.requests
            with as_one_stage(STAGE, {}):
                run, found = await run_classify(under, [row.item for row in missing])
            if fresh:
                self.walked += fresh
                self.walk_requests += self.budget.spent.requests - before
                self.keep_spending(self.budget.spent)
            self.cases |= {(key, case.item_id): case for case in describe_cases(under, run, missing, found)}
        return [self.cases[key, row.item.id] for row in rows]

    def not_walked(self, under: Workspace, rows: Sequence[ItemRow]) -> list[ItemRow]:
        """Return the items whose walk under these templates is not stored."""
        run = classify_run(under).known
        keys = {row.item.id: unit_key(row.item) for row in rows}
        done = set() if run is None else set(under.runs.finished(run.id, list(keys.values())))
        return [row for row in rows if keys[row.item.id] not in done]

    async def propose(self, name: str, text: str, cases: Sequence[Case]) -> str | None:
        """Let the writer rewrite a block, and again after a refusal; None if none of its texts can be used."""
        block, role = replace(self.blocks[name], text=text), self.roles[name]
        described = [f"{number}. {case.describe(role)}" for number, case in enumerate(cases, start=1)]
        given = Instructions(
            name,
            f"{role.replace('_', ' ')}: {DUTIES[role]}",
            text,
            block.marks,
            longest_text(block),
            "\n\n".join(described),
        )
        problems: list[str] = []
        for _ in range(ATTEMPTS):
            proposed = await self.rewrite(given, problems)
            refused = self.refusal(block, proposed)
            self.proposals.append(Proposal(name, proposed, refused))
            if not refused:
                return proposed
            problems.append(refused)
        return None

    def refusal(self, block: MaskedBlock, text: str) -> str:
        """Return why a proposed text is refused, "" if it is not."""
        try:
            self.check.compile(block, text)
        except InputError as error:
            return str(error)
        return ""

    async def rewrite(self, given: Instructions, problems: Sequence[str]) -> str:
        """Return the text that the writer gives; a text that it gave to the same before is not asked for again."""
        parts = [given.name, given.text, given.cases, *problems]
        key = f"rewriting {hash_text(chr(0).join(parts))}"
        if key not in (kept := self.run.finished([key])):
            model = self.budget.metered(
                self.writer_settings, self.workspace.wiring.answers(self.writer_settings)
            )
            task = self.workspace.config.task.description
            writer = InstructionWriter(model, self.workspace.prompts, task, self.settings.by)
            found = await writer.rewrite(given, problems)
            if isinstance(found.error, ModelError) and not isinstance(found.error, ModelReplyError):
                raise found.error
            kept = {key: {"text": found.text}}
            self.run.finish(kept, [found.decision])
        return str(kept[key]["text"])

    async def finish(self, evolved: gepa_loop.Evolved, size: int) -> Evolution:
        """Judge the best candidate on held-out items."""
        versions = self.version_of(evolved.best) if evolved.best else []
        former = {each.name: effective_version(self.workspace, each.name).hash for each in versions}
        changes = tuple(
            BlockChange(
                block.template, block.block, unmasked(block, block.text), unmasked(block, evolved.best[name])
            )
            for name, block in self.blocks.items()
            if evolved.best and evolved.best[name] != block.text
        )
        verdict: Verdict = "not judged" if versions else "no proposal"
        trials: tuple[TrialReport, ...] = ()
        judging: list[ItemRow] = []
        if versions:
            judging = self.affordable(versions)
            try:
                trials = await self.judge(versions, judging) if len(judging) >= LEAST_JUDGING else ()
            except BudgetSpentError:  # these items took more requests than those before
                trials = ()
            if trials:
                verdict = judge(trials[0].differences, self.settings.margin)
        return Evolution(
            versions=tuple(versions),
            former=former,
            changes=changes,
            scores=evolved.scores,
            best=max(evolved.scores, default=0.0),
            proposals=tuple(self.proposals),
            verdict=verdict,
            trials=trials,
            evolved_on=size,
            held_out=len(self.judging),
            judged=len(judging) if trials else 0,
            looks=len(self.plan["judged"]),
            spent=self.budget.spent,
            priced=self.priced,
            ended=evolved.ended,
            left=self.budget.left,
            needed=0 if trials or not versions else self.requests_to_judge(),
        )

    def requests_to_judge(self) -> int:
        """Return about how many requests in all would leave enough for a judgement."""
        most = self.requests_per_item * 2 * LEAST_JUDGING
        return math.ceil(max(most / (1 - EVOLVING_SHARE), self.budget.spent.requests + most))

    def affordable(self, versions: Sequence[Version]) -> list[ItemRow]:
        """Return the held-out items that the rest of the budget can judge with: the first in their order."""
        sides = [self.under(()), self.under(versions)]
        missing = [{row.item.id for row in self.not_walked(side, self.judging)} for side in sides]
        left, found = float(self.budget.left), list[ItemRow]()
        for row in self.judging:
            left -= self.requests_per_item * sum(row.item.id in each for each in missing)
            if left < 0:
                break
            found.append(row)
        return found

    async def judge(self, versions: Sequence[Version], rows: Sequence[ItemRow]) -> tuple[TrialReport, ...]:
        """Run the present and the proposed versions on held-out items; a report for each template that changes."""
        items = [row.item for row in rows]
        first = effective_version(self.workspace, versions[0].name)
        how = find_reader(self.workspace, first.name)
        sides: list[Run] = []
        with as_one_stage(STAGE, {}):
            for under, each, origin in (
                (self.under(()), first, "in use"),
                (self.under(versions), versions[0], "proposed"),
            ):
                sides.append(await run_under(under, how, each, origin, items))
        reports = []
        for each in versions:
            now = effective_version(self.workspace, each.name)
            before = replace(sides[0], version=now)
            after = replace(sides[1], version=each)
            report = compare_runs(self.workspace, each.name, rows, before, after)
            store_report(self.workspace, report, items)
            reports.append(report)
        proposal = " ".join(each.hash for each in versions)
        if proposal not in self.plan["judged"]:
            self.keep_plan({"judged": [*self.plan["judged"], proposal]})
        return tuple(reports)


def unmasked(block: MaskedBlock, text: str) -> str:
    """Return a block's text with what its marks stand for."""
    for number, mark in enumerate(block.marks, start=1):
        text = text.replace(f"[[{number}]]", mark)
    return text


def evolution_row(evolution: Evolution) -> dict[str, Any]:
    """Return an evolution for --json, without the changed decisions."""
    return {
        "verdict": evolution.verdict,
        "versions": {each.name: each.hash for each in evolution.versions},
        "former": dict(evolution.former),
        "changes": [asdict(change) for change in evolution.changes],
        "scores": list(evolution.scores),
        "proposals": [asdict(proposal) for proposal in evolution.proposals],
        "evolved_on": evolution.evolved_on,
        "held_out": evolution.held_out,
        "judged": evolution.judged,
        "looks": evolution.looks,
        "spent": {**evolution.spent.row(), "money": evolution.spent.money if evolution.priced else None},
        "ended": evolution.ended,
    }
