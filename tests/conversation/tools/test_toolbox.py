"""The tools of a workspace: all of them there, changes shown before they are made, and made once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from taxonaut.state.errors import InputError, NotFoundError, ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.tools.support.chat_tool import Focus, Proposal, ToolUse

NAMES = {
    "assign_label", "classify", "cost", "describe_category", "diff", "evaluate", "expand_node", "explain",
    "label_file", "list_children", "log", "losses", "merge_nodes", "move_node", "propose_category",
    "rank_candidates", "remove_node", "rename_node", "search_labels", "split_node", "undo",
    "retire_labels", "restore_labels", "split_label", "correct",
}  # fmt: skip
CHANGING = {
    "assign_label", "merge_nodes", "move_node", "propose_category", "remove_node", "rename_node", "split_node",
    "undo", "retire_labels", "restore_labels", "split_label", "correct",
}  # fmt: skip
AUDIO = NodeId(4)


def test_every_tool_is_there_with_a_command_of_its_own(shop_tools: Any) -> None:
    from jsonschema import Draft202012Validator

    tools = shop_tools.tools
    assert set(tools) == NAMES
    assert {name for name, tool in tools.items() if tool.changes} == CHANGING
    assert len({tool.command for tool in tools.values()}) == len(NAMES)
    for tool in tools.values():
        Draft202012Validator.check_schema(tool.spec.parameters)
        assert set(tool.slots) <= set(tool.spec.parameters["properties"])
        assert len(tool.examples) >= 12


def test_a_preview_writes_nothing(shop_tools: Any, shop_workspace: Any, say: Callable[..., Any]) -> None:
    before = shop_workspace.index.snapshot()
    proposal = say("/add Bone-conduction headphones under Headphones")
    assert proposal.title == "add Bone-conduction headphones under Electronics > Audio > Headphones"
    assert proposal.diff == (
        f"+ Electronics > Audio > Headphones > Bone-conduction headphones #{len(before.nodes) + 1}",
    )
    assert proposal.version == str(before.version)
    assert shop_workspace.index.snapshot() == before


def test_what_was_added_is_a_label_at_once_and_undone_whole(
    shop_workspace: Any, say: Callable[..., Any]
) -> None:
    before = shop_workspace.index.snapshot()
    done = say("/add Bone phones under Headphones", yes=True)
    assert done.text.startswith("done: add Bone phones under Electronics > Audio > Headphones\nchange ")
    assert say("/where bone phones").data["labels"][0]["id"] == "bone-phones"
    undone = say("/undo")
    assert undone.diff == ("- Electronics > Audio > Headphones > Bone phones #6",)
    say("/undo", yes=True)
    after = shop_workspace.index.snapshot()
    assert (after.nodes, after.labels, after.placements) == (before.nodes, before.labels, before.placements)


def test_a_category_under_a_label_makes_it_a_branch(shop_workspace: Any, say: Callable[..., Any]) -> None:
    proposal = say("/add Sport buds under Earbuds")
    assert proposal.diff == (
        "~ Electronics > Audio > Headphones > Earbuds #6 becomes a branch",
        "+ Electronics > Audio > Headphones > Earbuds > Sport buds #7",
    )
    say("/add Sport buds under Earbuds", yes=True)
    assert say("/under Earbuds").data["branches"] == [
        {"id": 7, "name": "Sport buds", "branches": 0, "labels": 0}
    ]
    assert say("/undo").diff == (
        "~ Electronics > Audio > Headphones > Earbuds #6 is a label without branches again",
        "- Electronics > Audio > Headphones > Earbuds > Sport buds #7",
    )


def test_beside_is_under_the_same_parent(say: Callable[..., Any]) -> None:
    assert say("/add Radios beside Speakers").title == "add Radios under Electronics > Audio"
    assert say("/add Radios next to Headphones").title == "add Radios under Electronics > Audio"
    with pytest.raises(InputError, match="beside the top"):
        say("/add Radios beside the top")


def test_a_call_is_made_once(shop_tools: Any, shop_workspace: Any, say: Callable[..., Any]) -> None:
    proposal = say("/rename Audio to Sound")
    first = asyncio.run(shop_tools.apply(proposal))
    version = shop_workspace.index.version()
    assert asyncio.run(shop_tools.apply(proposal)) == first
    assert shop_workspace.index.version() == version
    again = replace(proposal, use=replace(proposal.use, id="another"))
    with pytest.raises(ToolError, match="changed meanwhile"):
        asyncio.run(shop_tools.apply(again))


def test_a_change_that_fails_is_not_kept_as_made(shop_tools: Any, shop_workspace: Any) -> None:
    from taxonaut.state.stores.conversations import AppliedCalls

    use = ToolUse("c1", "rename_node", {"node": int(AUDIO), "name": "Cameras and more"})
    proposal = Proposal(use, "t", (), str(shop_workspace.index.version()))
    bad = replace(proposal, use=replace(use, arguments={"node": int(AUDIO), "name": "Audio"}))
    with pytest.raises(ToolError, match="already"):
        asyncio.run(shop_tools.apply(bad))
    assert AppliedCalls(shop_workspace.database).outcome("c1") is None
    assert (
        asyncio.run(shop_tools.apply(proposal)).data["title"]
        == "rename Electronics > Audio to Cameras and more"
    )


def test_changing_tools_are_not_run_and_others_not_previewed(shop_tools: Any) -> None:
    with pytest.raises(ToolError, match="preview it"):
        asyncio.run(shop_tools.run(ToolUse("1", "undo")))
    with pytest.raises(ToolError, match="changes nothing"):
        asyncio.run(shop_tools.preview(ToolUse("1", "log")))
    with pytest.raises(ToolError, match="no tool 'undoo'"):
        asyncio.run(shop_tools.run(ToolUse("1", "undoo")))


@pytest.mark.parametrize(
    ("line", "title", "diff"),
    [
        (
            "/rename Audio to Sound",
            "rename Electronics > Audio to Sound",
            "~ renamed Electronics > Audio #4 to 'Sound'",
        ),
        (
            "/move Earbuds to Electronics",
            "move Electronics > Audio > Headphones > Earbuds under Electronics",
            "→ labels 'Earbuds' from Electronics > Audio > Headphones #5 to Electronics #2",
        ),
        (
            "/move Headphones to Electronics",
            "move Electronics > Audio > Headphones under Electronics",
            "→ moved Electronics > Headphones #5 from Electronics > Audio #4 to Electronics #2",
        ),
        (
            "/place Earbuds under Pets",
            "place Earbuds also in Pets",
            "→ labels 'Earbuds' also to Pets #3",
        ),
        (
            "/merge Headphones into Audio",
            "merge Electronics > Audio > Headphones into Electronics > Audio",
            "- Electronics > Audio > Headphones #5, its content to Electronics > Audio #4",
        ),
        (
            "/remove Headphones",
            "remove Electronics > Audio > Headphones",
            "- Electronics > Audio > Headphones #5, its content to Electronics > Audio #4",
        ),
    ],
)
def test_each_change_says_what_it_would_do(say: Callable[..., Any], line: str, title: str, diff: str) -> None:
    proposal = say(line)
    assert proposal.title == title
    assert proposal.diff == (diff,)


def test_a_label_without_branches_is_renamed_and_found_by_its_new_name(
    shop_workspace: Any, say: Callable[..., Any]
) -> None:
    say("/where earbuds")
    proposal = say("/rename Earbuds to Plugs")
    assert proposal.title == "rename Electronics > Audio > Headphones > Earbuds to Plugs"
    assert proposal.diff == ("~ renamed 'Earbuds' (ib) to 'Plugs'",)
    assert shop_workspace.index.label(LabelId("ib")).name == "Earbuds"
    done = say("/rename Earbuds to Plugs", yes=True)
    assert done.data["diff"] == ["~ renamed 'Earbuds' (ib) to 'Plugs'"]
    assert done.focus == Focus(labels=(LabelId("ib"),))
    found = say("/where plugs").data["labels"][0]
    assert (found["id"], found["name"]) == ("ib", "Plugs")
    assert say("/find plugs").data["hits"][0]["label"] == "ib"
    say("/undo", yes=True)
    assert say("/find plugs").data["hits"] == []
    with pytest.raises(ToolError, match="'Over-ear headphones'"):
        say("/rename Earbuds to over-ear headphones")


def test_a_label_that_is_a_node_is_renamed_with_it(shop_workspace: Any, say: Callable[..., Any]) -> None:
    say("/rename Audio to Sound", yes=True)
    assert shop_workspace.index.label(LabelId("au")).name == "Sound"
    assert say("/undo").diff == ("~ renamed Electronics > Sound #4 to 'Audio'",)
    assert say("/where sound").data["labels"][0]["id"] == "au"


def test_labels_without_branches_are_merged_and_retired(shop_workspace: Any, say: Callable[..., Any]) -> None:
    index, before = shop_workspace.index, shop_workspace.index.snapshot()
    proposal = say("/merge Earbuds into Speakers")
    assert proposal.title.startswith("merge Electronics > Audio > Headphones > Earbuds into ")
    gone = index.labels_named(["Earbuds"])[0].id
    say("/merge Earbuds into Speakers", yes=True)
    assert index.is_retired(gone)
    assert [label.name for label in index.labels(index.resolve(gone).labels)] == ["Speakers"]
    say("/undo", yes=True)
    assert say("/remove Earbuds").title == "retire Electronics > Audio > Headphones > Earbuds"
    say("/remove Earbuds", yes=True)
    assert index.resolve(gone).kind == "gone"
    say("/undo", yes=True)
    assert (index.snapshot().labels, index.snapshot().mappings) == (before.labels, {})


def test_labels_are_retired_restored_and_split(shop_workspace: Any, say: Callable[..., Any]) -> None:
    index = shop_workspace.index
    earbuds = index.labels_named(["Earbuds"])[0].id
    say("/retire Earbuds for Speakers", yes=True)
    assert [label.name for label in index.labels(index.resolve(earbuds).labels)] == ["Speakers"]
    say("/restore Earbuds", yes=True)
    assert index.paths(earbuds) == [("Electronics", "Audio", "Headphones", "Earbuds")]
    proposal = say("/parts Earbuds into Wired earbuds, Wireless earbuds")
    assert proposal.title.endswith("Earbuds into Wired earbuds, Wireless earbuds")
    say("/parts Earbuds into Wired earbuds, Wireless earbuds", yes=True)
    assert index.resolve(earbuds).labels == ("wired-earbuds", "wireless-earbuds")
    with pytest.raises(InputError, match="/parts LABEL into A, B"):
        say("/parts Speakers")


def test_a_label_without_branches_has_nothing_below_it(say: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="label without branches"):
        say("/under Earbuds")


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ("/under Headfones", NotFoundError, "did you mean"),
        ("/undr Audio", InputError, "did you mean: /under"),
        ("/add Radios", InputError, "/add NAME under NODE"),
        ("/add Headphone under Audio", ToolError, "stands under this node already"),
        ("/rename Audio", InputError, "/rename NODE to NAME"),
        ("/diff x", InputError, "not a number"),
        ("/diff 99", NotFoundError, "no change 99"),
        ("/where", InputError, "no text is given"),
        ("/why", InputError, "no text was looked at"),
        ("/lost next year", InputError, "is not a period"),
        ("/label nothing.csv", NotFoundError, "no file 'nothing.csv'"),
        ("/cost of mars", InputError, "is not a period"),
    ],
)
def test_a_mistake_is_said(say: Callable[..., Any], line: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        say(line)


def test_what_is_looked_at_is_the_focus(shop_tools: Any, say: Callable[..., Any]) -> None:
    say("/where loud speakers")
    say("/under Audio")
    assert shop_tools.focus.text == "loud speakers"
    assert shop_tools.focus.nodes == (AUDIO,)
    assert shop_tools.focus.labels[0] == LabelId("sp")
    shop_tools.focus = Focus(text="dog food")
    assert say("/why").data["chosen"]["name"] == "Dog food"


def test_a_model_names_only_files_that_were_named(shop_tools: Any, tmp_path: Any) -> None:
    (tmp_path / "a.csv").write_text("text\nearbuds\n")
    shop_tools.allowed_files = ["b.csv"]
    with pytest.raises(InputError, match="was not named by the user"):
        asyncio.run(shop_tools.run(ToolUse("1", "label_file", {"file": "a.csv"})))
    shop_tools.allowed_files = ["a.csv"]
    with pytest.raises(InputError, match="was not named"):
        asyncio.run(shop_tools.run(ToolUse("1", "label_file", {"file": "a.csv", "out": "c.csv"})))


def test_categories_are_counted_and_compared(say: Callable[..., Any]) -> None:
    assert say("/about").text.splitlines() == [
        "the top  #1",
        "  level 0; below it 4 branches on 3 levels, 10 labels",
    ]
    assert say("/about Audio | Bird cages").text.splitlines() == [
        "Electronics > Audio  #4",
        "  level 2; below it 1 branch on 1 level, 4 labels",
        "Pets > Bird cages",
        "  level 2; nothing is below it",
        "both are under the top",
    ]
