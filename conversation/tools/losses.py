"""The tool `losses`: which categories lost most gold labels on the walks of a period."""

from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.nlu.periods import ALLOWED, read_period, utc_now
from taxonaut.conversation.tools.toolkit import Arguments, ToolContext, build_tool
from taxonaut.evaluation.attribution import NodeLosses, attribute_runs
from taxonaut.state.errors import NotFoundError
from taxonaut.state.index.index import Index
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.workspace.walk.classification import KIND
from taxonaut.workspace.walk.explanation import walked_tree
from taxonaut.workspace.walk.label_outcomes import MEANING
from taxonaut.workspace.walk.labelled_items import labelled_rows

SHOWN = 5


def tools(context: ToolContext) -> list[Tool]:
    """Return the tool `losses`."""
    return [losses_tool(context)]


def losses_tool(context: ToolContext) -> Tool:
    """Return the tool `losses`."""
    workspace, index = context.workspace, context.index

    async def run(arguments: Arguments) -> Outcome:
        period = read_period(str(arguments.get("period", "")), utc_now())
        rows = labelled_rows(workspace)
        if not rows:
            raise NotFoundError("no gold labels are known yet; evaluate a file that has them: /evaluate FILE")
        runs = [each for each in workspace.runs.list(KIND) if period.overlaps(each.started, each.ended)]
        found = attribute_runs(workspace, rows, [each for each in runs if walked_tree(each)], same_text=True)
        nodes = [node_row(index, node) for node in found.nodes]
        elsewhere = {
            MEANING[outcome]: count
            for outcome, count in found.outcomes.items()
            if outcome in ("ranked low", "cut", "not reached", "not placed", "failed")
        }
        limit = int(arguments.get("limit", SHOWN))
        text = render_answer(
            "losses",
            said=period.said,
            items=found.items,
            gold=found.gold,
            found=found.outcomes.get("found", 0),
            nodes=nodes[:limit],
            more=len(nodes) - limit,
            elsewhere=elsewhere,
            changed=found.changed,
        )
        line = ", ".join(f"{row['name']} {row['lost']}" for row in nodes[:3]) or "nothing was lost at a node"
        data: dict[str, Any] = {
            "period": period.said,
            "items": found.items,
            "gold": found.gold,
            "outcomes": dict(found.outcomes),
            "nodes": nodes[:limit],
        }
        return Outcome(
            text, one_line(line), data, Focus(nodes=tuple(node.node_id for node in found.nodes[:limit]))
        )

    return build_tool(
        "losses",
        "Say at which categories most items lost their right labels, worst first, on the walks of a time.",
        {
            "period": {
                "type": "string",
                "description": ALLOWED,
            },
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Most categories."},
        },
        (),
        run,
        ("lost", "[PERIOD]"),
        lambda words: {"period": words.strip()} if words.strip() else {},
        {
            "period": Slot("period", "Of what time?", required=False),
            "limit": Slot("number", "How many?", required=False),
        },
    )


def node_row(index: Index, node: NodeLosses) -> dict[str, Any]:
    """Return a node as JSON: how many labels it lost, the main reason, and the branches with most of them."""
    branches = [
        {"id": int(branch), "name": index.node(branch).name, "lost": count}
        for branch, count in node.branches.items()
        if index.has_node(branch)
    ]
    outcome = next(iter(node.outcomes))
    return {
        "id": int(node.node_id),
        "name": node.path[-1] if node.path else "the top",
        "path": list(node.path),
        "lost": len(node.losses),
        "why": MEANING[outcome],
        "branches": branches[:3],
    }
