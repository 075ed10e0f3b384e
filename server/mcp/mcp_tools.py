"""What an MCP client can call: a conversation's tools, with changes as proposals that a second call confirms."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from taxonaut.conversation.tools.apply_changes import outcome_of
from taxonaut.conversation.tools.files import CUTOFFS, METHODS, method_row
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.conversation.tools.walk import TEXT, build_item
from taxonaut.evaluation.harness import aevaluate
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import ToolSpec
from taxonaut.state.stores.conversations import AppliedCalls
from taxonaut.tools.support.chat_tool import Outcome, Proposal, Tool, ToolUse, check_call
from taxonaut.tools.support.index_changes import call_schema
from taxonaut.workspace.files.gold_forms import match_gold
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

CONFIRM, DISCARD, EVALUATE = "confirm_change", "discard_change", "evaluate"

FILE_TOOLS = frozenset({"label_file", EVALUATE})
"""Tools of a conversation that read files of this machine; a client sends its texts instead."""

MOST_WAITING = 1000
"""Proposals that are kept; the oldest are dropped."""

MOST_LISTED = 200
"""Rows of a list in an answer."""

MOST_ITEMS = 1000
"""Items of one evaluation."""

LONGEST_ID = 200
"""Characters of an unknown id that the message repeats."""

ABOUT_A_TEXT = frozenset({"explain", "correct"})
"""Tools that mean the last text of a conversation where none is given; here each call names its own."""

ASKS = "A person is asked first."
PROPOSES = f"Returns a proposal with its diff; nothing is changed until {CONFIRM} is called with its id."

PROPOSAL_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "proposal": {"type": "string", "description": f"The id that {CONFIRM} and {DISCARD} take."},
        "title": {"type": "string"},
        "diff": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What would change, a line each.",
        },
        "version": {"type": "string", "description": "The change of the index that it was made at."},
        "status": {"const": "waiting"},
    },
    "required": ["proposal", "title", "diff", "version", "status"],
}


class McpTools:
    """The tools of a workspace for any number of clients.

    No call depends on another client's: each names what it is about, and a proposal is known by an id that cannot be
    guessed. Calls name no files. `read_only` offers no change. `person` is who corrects items, by default the user of
    this computer.
    """

    def __init__(self, workspace: Workspace, *, read_only: bool = False, person: str = "") -> None:
        self.workspace = workspace
        self.toolbox = WorkspaceTools(workspace, allowed_files=(), person=person)
        self.waiting: OrderedDict[str, Proposal] = OrderedDict()
        own = [
            own_tool(evaluate_spec(), self.evaluate),
            own_tool(confirm_spec(), self.confirm),
            own_tool(discard_spec(), self.discard),
        ]
        self.own: Mapping[str, Tool] = {} if read_only else {tool.name: tool for tool in own}
        self.tools: Mapping[str, Tool] = {
            tool.name: replace(tool, spec=offered_spec(tool))
            for tool in self.toolbox.tools.values()
            if tool.name not in FILE_TOOLS and not (read_only and tool.changes)
        } | self.own
        """The tools on offer; those that change something only propose it."""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outcome of a call as JSON; of a change, the proposal.

        Raises ToolError for a tool that is not offered, for arguments that violate the tool's schema and for
        refusals of the index; InputError and NotFoundError for a mistake in a text or an id.
        """
        use = ToolUse(uuid4().hex, name, dict(arguments))
        check_call(self.tools, use)
        if name in self.own:
            return dict((await self.own[name].run(use.arguments)).data)
        if self.tools[name].changes:
            return self.keep(await self.toolbox.preview(use))
        return clip_lists((await self.toolbox.run(use)).data)

    def keep(self, proposal: Proposal) -> dict[str, Any]:
        """Keep a proposal until it is confirmed or discarded, and return it as JSON."""
        self.waiting[proposal.use.id] = proposal
        while len(self.waiting) > MOST_WAITING:
            self.waiting.popitem(last=False)
        return {
            "proposal": proposal.use.id,
            "title": proposal.title,
            "diff": list(proposal.diff),
            "version": proposal.version,
            "status": "waiting",
        }

    def find(self, arguments: Mapping[str, Any]) -> Proposal:
        """Return the proposal that a call names. Raises NotFoundError."""
        given = str(arguments["proposal"])
        if (found := self.waiting.get(given)) is None:
            raise NotFoundError(
                f"no proposal {given[:LONGEST_ID]!r} waits here; it was discarded, or this server was started since: "
                "make the change again to get a new one"
            )
        return found

    async def confirm(self, arguments: Mapping[str, Any]) -> Outcome:
        """Make a proposed change; confirmed again, it is not made twice. Raises ToolError if the index moved on."""
        given = str(arguments["proposal"])
        kept = AppliedCalls(self.workspace.database).outcome(given)
        outcome = outcome_of(kept) if kept else await self.toolbox.apply(self.find(arguments))
        self.waiting.pop(given, None)
        return replace(outcome, data={"proposal": given, "status": "done", **outcome.data})

    async def discard(self, arguments: Mapping[str, Any]) -> Outcome:
        """Drop a proposal."""
        proposal = self.find(arguments)
        del self.waiting[proposal.use.id]
        data = {"proposal": proposal.use.id, "status": "discarded", "title": proposal.title}
        return Outcome(f"{proposal.title}: discarded", "discarded", data)

    async def evaluate(self, arguments: Mapping[str, Any]) -> Outcome:
        """Measure the walk and dense retrieval on the items of a call."""
        read = [read_item(sent, f"items[{at}]") for at, sent in enumerate(arguments["items"])]
        rows, _ = match_gold(self.workspace.index, read)
        report = await aevaluate(self.workspace, rows, METHODS, CUTOFFS)
        methods = [method_row(each) for each in report.methods]
        data = {"items": report.items, "with_gold": report.with_gold, "methods": methods}
        return Outcome("measured", "measured", data)


def own_tool(spec: ToolSpec, run: Callable[[Mapping[str, Any]], Awaitable[Outcome]]) -> Tool:
    """Return a tool that only programs call; it has no `/` command."""
    return Tool(spec, run, command="", usage="", parse=lambda _: {})


def read_item(sent: Mapping[str, Any], place: str) -> ItemRow:
    """Read an item of `evaluate`; without an id it is known by its text."""
    item = build_item(sent["text"])
    if sent.get("id"):
        item = replace(item, id=ItemId(str(sent["id"])))
    gold = tuple(LabelId(each) for each in sent["labels"])
    return ItemRow(item, gold, place, cell=list(gold))


def offered_spec(tool: Tool) -> ToolSpec:
    """Return a conversation tool's definition as it is offered here: it proposes, and names the text it is about."""
    spec, schema = tool.spec, dict(tool.spec.parameters)
    description = spec.description.replace(f" {ASKS}", "")
    if tool.name in ABOUT_A_TEXT:
        description = description.replace(" Without a text: the last one.", "")
        properties = {name: each for name, each in schema["properties"].items() if name != "number"}
        schema |= {"properties": properties, "required": ["text"]}
    if tool.changes:
        description = f"{description} {PROPOSES}"
    return ToolSpec(spec.name, description, schema)


def evaluate_spec() -> ToolSpec:
    """Return the definition of `evaluate`, whose items come with the call."""
    item = {
        "type": "object",
        "properties": {
            "text": TEXT,
            "labels": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "minItems": 1,
                "description": "The right labels: ids, names or paths.",
            },
            "id": {"type": "string", "description": "The item's id, if it has one."},
        },
        "required": ["text", "labels"],
        "additionalProperties": False,
    }
    return ToolSpec(
        EVALUATE,
        "Measure how good the labels are on items whose right labels are known: the walk next to dense retrieval. "
        "The right labels are kept, to be learned from.",
        call_schema(
            {"items": {"type": "array", "items": item, "minItems": 1, "maxItems": MOST_ITEMS}}, "items"
        ),
    )


def confirm_spec() -> ToolSpec:
    """Return the definition of `confirm_change`."""
    return ToolSpec(
        CONFIRM,
        "Make a proposed change. Show its diff to the user first, and call this only when they agree. One change at "
        "a time: a proposal that was made before another change is refused. The tool undo proposes to take it back.",
        proposal_argument(),
    )


def discard_spec() -> ToolSpec:
    """Return the definition of `discard_change`."""
    return ToolSpec(DISCARD, "Drop a proposed change; nothing is written.", proposal_argument())


def proposal_argument() -> dict[str, Any]:
    """Return the schema of a call that names a proposal."""
    return call_schema(
        {"proposal": {"type": "string", "minLength": 1, "description": "The id of the proposal."}}, "proposal"
    )


def clip_lists(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer whose lists have at most MOST_LISTED rows, and in `left_out` how many each lacks."""
    long = {
        key: len(value) - MOST_LISTED
        for key, value in data.items()
        if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > MOST_LISTED
    }
    kept = {key: value[:MOST_LISTED] if key in long else value for key, value in data.items()}
    return {**kept, "left_out": long} if long else kept
