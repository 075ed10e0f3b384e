"""The toolbox of a conversation over a workspace."""

from collections.abc import Collection, Mapping, Sequence

from taxonaut.conversation.completion import Candidate, Completer
from taxonaut.conversation.tools import apply_changes, correct, edit, history, label_tools
from taxonaut.conversation.tools.toolkit import ChangeTool, ToolContext
from taxonaut.state.errors import InputError, ToolError
from taxonaut.state.ids import RunId
from taxonaut.state.plugins import extensions, load_extension
from taxonaut.tools.support.chat_tool import Focus, Outcome, Proposal, Tool, ToolUse, merge_focus
from taxonaut.workspace.workspace import Workspace

TOOLS = "taxonaut.tools"
"""The entry point group of chat tools."""

FIRST = ("walk", "explain", "tree", "steps", "history", "losses", "costs", "files")
"""Order of the built-in tools; tools of other packages follow by name."""

COST = "cost"
"""Excluded from cost reports."""


class WorkspaceTools:
    """All tools over one workspace, for one conversation; a `taxonaut.tools.support.chat_tool.Toolbox`.

    `focus` holds the antecedents of references and `runs` the runs that calls took part in; both can be set when a
    thread is resumed. `allowed_files` are the files that calls may name, None for any; a language model may name
    only files that the user named. `more` are custom tools, which must not change the index. `person` is who talks,
    for corrections; by default the user of this computer.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        focus: Focus = Focus(),  # noqa: B008 (frozen)
        runs: Sequence[RunId] = (),
        allowed_files: Collection[str] | None = None,
        more: Sequence[Tool] = (),
        person: str = "",
    ) -> None:
        self.workspace = workspace
        self._context = ToolContext(workspace, focus, list(runs), allowed_files, person)
        groups = (history, edit, label_tools, correct)
        changing = [tool for group in groups for tool in group.change_tools(self._context)]
        self._changes: Mapping[str, ChangeTool] = {each.tool.name: each for each in changing}
        reading = [tool for name in FIRST for tool in load_extension(TOOLS, name)(self._context)]
        added = sorted(set(extensions(TOOLS)) - set(FIRST))
        others = [tool for name in added for tool in load_extension(TOOLS, name)(self._context)]
        self._tools: dict[str, Tool] = {
            tool.name: tool for tool in (*reading, *(each.tool for each in changing))
        }
        self._tools |= check_custom_tools(self._tools, [*others, *more])
        self._completer = Completer(workspace.index, self._tools)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """All tools by name."""
        return self._tools

    @property
    def focus(self) -> Focus:
        """The focus after the latest call."""
        return self._context.focus

    @focus.setter
    def focus(self, focus: Focus) -> None:
        """Set the focus of a resumed thread."""
        self._context.focus = focus

    @property
    def runs(self) -> Sequence[RunId]:
        """The runs that calls of this conversation took part in."""
        return tuple(self._context.runs)

    @runs.setter
    def runs(self, runs: Sequence[RunId]) -> None:
        """Set the runs of a resumed thread."""
        self._context.runs = list(runs)

    @property
    def allowed_files(self) -> Collection[str] | None:
        """The files that calls may name; None for any."""
        return self._context.allowed_files

    @allowed_files.setter
    def allowed_files(self, files: Collection[str] | None) -> None:
        """Set the files that calls may name."""
        self._context.allowed_files = files

    def complete(self, line: str) -> list[Candidate]:
        """Return completions of a `/` command up to the cursor, likeliest first."""
        return self._completer.complete(line)

    async def run(self, use: ToolUse) -> Outcome:
        """Run a read-only call. Raises ToolError for an unknown tool or one that changes the index."""
        tool = self._tool(use)
        if tool.changes:
            raise ToolError(f"{use.name} changes the index: preview it, and apply it when the user confirms")
        mark = self.workspace.decisions.mark()
        outcome = await tool.run(use.arguments)
        if use.name != COST:
            self._context.last_call = (use.name, self.workspace.decisions.totals_since(mark))
        self._context.focus = merge_focus(self._context.focus, outcome.focus)
        return outcome

    async def preview(self, use: ToolUse) -> Proposal:
        """Return what a call would change, without writing anything."""
        return await apply_changes.preview(self.workspace, self._change(use), use)

    async def apply(self, proposal: Proposal) -> Outcome:
        """Apply a change; a call applied before returns its stored outcome.

        Raises ToolError if the index has changed since the proposal.
        """
        outcome = await apply_changes.apply(self.workspace, self._change(proposal.use), proposal)
        self._context.focus = merge_focus(self._context.focus, outcome.focus)
        return outcome

    def _tool(self, use: ToolUse) -> Tool:
        tool = self._tools.get(use.name)
        if tool is None:
            raise ToolError(f"there is no tool {use.name!r}; there are: {', '.join(self._tools)}")
        return tool

    def _change(self, use: ToolUse) -> ChangeTool:
        if not self._tool(use).changes:
            raise ToolError(f"{use.name} changes nothing; run it")
        return self._changes[use.name]


def check_custom_tools(known: Mapping[str, Tool], more: Sequence[Tool]) -> dict[str, Tool]:
    """Return custom tools by name. Raises InputError for one that changes the index or whose name is taken."""
    taken = {*known, *(tool.command for tool in known.values())}
    for tool in more:
        if tool.changes:
            raise InputError(
                f"the tool {tool.name!r} changes the index; only built-in tools may, as they show a diff first"
            )
        if taken & {tool.name, tool.command}:
            raise InputError(
                f"there is already a tool {tool.name!r} or a command /{tool.command}; rename yours"
            )
        taken |= {tool.name, tool.command}
    return {tool.name: tool for tool in more}
