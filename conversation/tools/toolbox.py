"""The tools of a workspace, as a conversation has them."""

from collections.abc import Collection, Mapping, Sequence

from taxonaut.conversation.completion import Candidate, Completer
from taxonaut.conversation.tools import apply_changes as changes
from taxonaut.conversation.tools import edit as tools_changes
from taxonaut.conversation.tools import history as tools_history
from taxonaut.conversation.tools.toolkit import Change, Desk
from taxonaut.state.errors import InputError, ToolError
from taxonaut.state.ids import RunId
from taxonaut.state.plugins import extensions, load_extension
from taxonaut.tools.support.chat_tool import Focus, Outcome, Proposal, Tool, ToolUse, merge_focus
from taxonaut.workspace.workspace import Workspace

TOOLS = "taxonaut.tools"
"""The extension point of a conversation's tools."""

FIRST = ("walk", "explain", "tree", "steps", "history", "losses", "costs", "files")
"""The order in which the tools of taxonaut itself are listed; those of other packages follow by name."""

COST = "cost"
"""The tool whose own call is nobody's question."""


class WorkspaceTools:
    """Every tool of the house over one workspace; a `taxonaut.tools.support.chat_tool.Toolbox`.

    One conversation has one of these: it knows what was looked at last (`focus`), for commands that leave it
    out, and which runs its calls took part in (`runs`), for what the conversation cost. Both may be set again
    when a thread is resumed. `allowed_files`: what calls may name, None for any file; a language model may
    name only those that the person named. `more` are tools of a person's own, which change nothing here.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        focus: Focus = Focus(),  # noqa: B008 (frozen)
        runs: Sequence[RunId] = (),
        allowed_files: Collection[str] | None = None,
        more: Sequence[Tool] = (),
    ) -> None:
        self.workspace = workspace
        self._desk = Desk(workspace, focus, list(runs), allowed_files)
        changing = [*tools_history.changes(self._desk), *tools_changes.changes(self._desk)]
        self._changes: Mapping[str, Change] = {each.tool.name: each for each in changing}
        reading = [tool for name in FIRST for tool in load_extension(TOOLS, name)(self._desk)]
        added = sorted(set(extensions(TOOLS)) - set(FIRST))
        others = [tool for name in added for tool in load_extension(TOOLS, name)(self._desk)]
        self._tools: dict[str, Tool] = {
            tool.name: tool for tool in (*reading, *(each.tool for each in changing))
        }
        self._tools |= own_tools(self._tools, [*others, *more])
        self._completer = Completer(workspace.index, self._tools)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Every tool by its name."""
        return self._tools

    @property
    def focus(self) -> Focus:
        """What the calls of this conversation were about last."""
        return self._desk.focus

    @focus.setter
    def focus(self, focus: Focus) -> None:
        """Set what a resumed thread was about."""
        self._desk.focus = focus

    @property
    def runs(self) -> Sequence[RunId]:
        """The runs that calls of this conversation took part in."""
        return tuple(self._desk.runs)

    @runs.setter
    def runs(self, runs: Sequence[RunId]) -> None:
        """Set the runs of a resumed thread."""
        self._desk.runs = list(runs)

    @property
    def allowed_files(self) -> Collection[str] | None:
        """The files that calls may name, None for any."""
        return self._desk.allowed

    @allowed_files.setter
    def allowed_files(self, files: Collection[str] | None) -> None:
        """Set what calls may name."""
        self._desk.allowed = files

    def complete(self, line: str) -> list[Candidate]:
        """Return what a `/` command, up to the cursor, could go on with, the likeliest first."""
        return self._completer.complete(line)

    async def run(self, use: ToolUse) -> Outcome:
        """Carry out a call that changes nothing. Raises ToolError for a tool that is not there."""
        tool = self._tool(use)
        if tool.changes:
            raise ToolError(
                f"{use.name} changes the index: preview it, and apply it when the person says yes"
            )
        mark = self.workspace.decisions.mark()
        outcome = await tool.run(use.arguments)
        if use.name != COST:
            self._desk.last = (use.name, self.workspace.decisions.totals_since(mark))
        self._desk.focus = merge_focus(self._desk.focus, outcome.focus)
        return outcome

    async def preview(self, use: ToolUse) -> Proposal:
        """Say what a call would change; nothing is written."""
        return await changes.preview(self.workspace, self._change(use), use)

    async def apply(self, proposal: Proposal) -> Outcome:
        """Make a change, once: a call that was carried out before gives its outcome again.

        Raises ToolError if the index is not the one that was looked at.
        """
        outcome = await changes.apply(self.workspace, self._change(proposal.use), proposal)
        self._desk.focus = merge_focus(self._desk.focus, outcome.focus)
        return outcome

    def _tool(self, use: ToolUse) -> Tool:
        tool = self._tools.get(use.name)
        if tool is None:
            raise ToolError(f"there is no tool {use.name!r}; there are: {', '.join(self._tools)}")
        return tool

    def _change(self, use: ToolUse) -> Change:
        if not self._tool(use).changes:
            raise ToolError(f"{use.name} changes nothing; run it")
        return self._changes[use.name]


def own_tools(known: Mapping[str, Tool], more: Sequence[Tool]) -> dict[str, Tool]:
    """Return a person's own tools by name; InputError for one that changes the index, or whose name is taken."""
    taken = {*known, *(tool.command for tool in known.values())}
    for tool in more:
        if tool.changes:
            raise InputError(
                f"the tool {tool.name!r} says that it changes the index; only those of the house do, with their diffs"
            )
        if taken & {tool.name, tool.command}:
            raise InputError(
                f"there is a tool {tool.name!r} or a command /{tool.command} already; rename yours"
            )
        taken |= {tool.name, tool.command}
    return {tool.name: tool for tool in more}
