"""Builds with requests that fail: what lacks an answer is said, and the same call asks for it again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import in_every_role, things, word_embedder

from taxonaut import Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.workspace.build.split_node import abuild_subtree
from taxonaut.workspace.vocabulary.reading import read_history, read_vocabulary

THINGS, COLOURS, MAKERS = ("lamp", "chair", "rug"), ("red", "blue"), ("ada", "bob", "cyd", "dan")
NO_WORDS: dict[str, list[str]] = {"includes": [], "excludes": []}
GARBAGE = ModelReplyError("the reply holds no call")


def label(name: str) -> Label:
    return Label(LabelId(name), name)


LABELS = [label(f"{thing} {colour} {maker}") for thing in THINGS for colour in COLOURS for maker in MAKERS]


class Server:
    """Divides texts by the first word in which they differ; answers nothing valid to what `fails` picks."""

    def __init__(self) -> None:
        self.fails: Callable[[ModelRequest], bool] = lambda _: False
        self.model = ScriptedModel(rule=self.reply)

    def reply(self, request: ModelRequest) -> Any:
        if self.fails(request):
            return GARBAGE
        if request.texts:
            numbers = {choice.texts[0]: choice.id for choice in request.choices}
            return {
                str(place): [numbers[word] for word in text.split() if word in numbers][:1] or [0]
                for place, text in enumerate(request.texts, start=1)
            }
        fields = next(iter(request.tool.parameters["properties"].values()))
        if fields.get("type") != "array":
            return {"problem": "nothing fits", "change": "ignore", "descriptor": 0, "name": "-"} | NO_WORDS
        rows = [line.removeprefix("- ").split() for line in request.text.splitlines()]
        words = next(
            found for each in zip(*rows, strict=False) if len(found := list(dict.fromkeys(each))) > 1
        )
        more = NO_WORDS if "includes" in fields["items"]["properties"] else {}
        return {
            "categories": [
                {"name": word, "description": f"all {word}"} | more for word in words[: fields["maxItems"]]
            ]
        }


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def workspace(tmp_path: Path, server: Server) -> Iterator[Workspace]:
    with Workspace.init(
        tmp_path / "shop", embedder=word_embedder(32, fading=True), models=in_every_role(server.model)
    ) as opened:
        yield opened


def tree(workspace: Workspace) -> dict[str, list[str]]:
    """The labels of each node, by its path."""
    index = workspace.index
    ways = index.node_paths([node for id_ in index.label_ids() for node in index.placements_of(id_)])
    found: dict[str, list[str]] = {}
    for id_ in sorted(index.label_ids()):
        for node in index.placements_of(id_):
            path = " > ".join(each.name for each in index.nodes(ways[node]))
            found.setdefault(path, []).append(id_)
    return found


def test_an_index_build_asks_again_for_what_failed(
    workspace: Workspace, server: Server, tmp_path: Path
) -> None:
    workspace.index.add_labels(LABELS)
    workspace.build_index("agents", terminal_size=4)
    assert workspace.last_build is not None
    assert workspace.last_build.failed == {}
    whole = tree(workspace)

    with Workspace.init(
        tmp_path / "other", embedder=word_embedder(32, fading=True), models=in_every_role(server.model)
    ) as other:
        other.index.add_labels(LABELS)
        server.fails = lambda request: any("rug" in text for text in request.texts)
        other.build_index("agents", terminal_size=4)
        assert other.last_build is not None
        assert set(other.last_build.failed) >= {""}
        assert "the reply holds no call" in other.last_build.failed[""]
        assert tree(other) != whole

        server.fails = lambda _: False
        other.build_index("agents", terminal_size=4)
        assert other.last_build.failed == {}
        assert tree(other) == whole

        server.model.history.clear()
        other.build_index("agents", terminal_size=4)
        assert (server.model.history, tree(other)) == ([], whole)


def test_only_what_failed_is_asked_again(workspace: Workspace, server: Server) -> None:
    workspace.index.add_labels(LABELS)
    server.fails = lambda request: "The part: rug" in request.context
    workspace.build_index("agents", terminal_size=4)
    assert workspace.last_build is not None
    assert list(workspace.last_build.failed) == ["2"]
    server.model.history.clear()
    server.fails = lambda _: False
    workspace.build_index("agents", terminal_size=4)
    assert server.model.history
    assert all(" rug\n" in request.context for request in server.model.history)
    assert "rug > blue" in tree(workspace)


def test_labels_about_which_a_request_failed_are_not_added_but_asked_again(
    workspace: Workspace, server: Server
) -> None:
    workspace.index.add_labels(LABELS)
    workspace.build_index("agents", terminal_size=4)
    new = [label("lamp red new"), label("rug blue new"), label("chair red new")]
    server.fails = lambda request: "rug blue new" in request.texts
    growth = workspace.add_labels(new)
    assert set(growth.inserted) == {"lamp red new", "chair red new"}
    assert {id_: "no call" in error for id_, error in growth.failed.items()} == {"rug blue new": True}
    assert not workspace.index.has_label(LabelId("rug blue new"))

    server.fails = lambda _: False
    server.model.history.clear()
    again = workspace.add_labels(new)
    assert (list(again.inserted), again.known, again.failed) == (
        ["rug blue new"],
        ("lamp red new", "chair red new"),
        {},
    )
    assert all("lamp red new" not in request.texts for request in server.model.history)
    assert any(
        "rug blue new" in held for path, held in tree(workspace).items() if path.startswith("rug > blue")
    )


def test_nothing_is_written_where_all_failed(workspace: Workspace, server: Server) -> None:
    workspace.index.add_labels(LABELS)
    workspace.build_index("agents", terminal_size=4)
    version = workspace.index.version()
    server.fails = lambda _: True
    growth = workspace.add_labels([label("lamp red new")])
    assert (growth.change, growth.inserted, list(growth.failed)) == (None, {}, ["lamp red new"])
    assert workspace.index.version() == version
    server.fails = lambda _: False
    assert list(workspace.add_labels([label("lamp red new")]).inserted) == ["lamp red new"]


def test_a_split_that_failed_is_asked_again(workspace: Workspace, server: Server) -> None:
    workspace.index.add_labels(LABELS)
    workspace.build_index("agents", terminal_size=4)
    new = [label(f"rug blue {maker}") for maker in ("eve", "fay")]
    server.fails = lambda request: not request.texts
    growth = workspace.add_labels(new)
    assert list(growth.inserted) == [each.id for each in new]
    (node,) = growth.split_errors
    assert "no call" in growth.split_errors[node]
    assert (list(growth.splits), list(growth.unsplit)) == ([], [node])

    server.fails = lambda _: False
    again = workspace.add_labels(new)
    assert (list(again.splits), again.split_errors, again.inserted) == ([node], {}, {})
    assert workspace.add_labels(new).change is None


async def test_a_split_by_hand_changes_nothing_if_a_request_failed(
    workspace: Workspace, server: Server
) -> None:
    workspace.index.add_labels(LABELS)
    workspace.build_index("kmeans", terminal_size=100)
    node = workspace.index.placements_of(LABELS[0].id)[0]
    server.fails = lambda _: True
    with pytest.raises(ModelReplyError, match="is not split, as a request got no usable answer"):
        await abuild_subtree(workspace, node, "agents", terminal_size=4)


def test_a_vocabulary_build_asks_again_for_what_failed(tmp_path: Path, server: Server) -> None:
    items = things()
    settings = {"categories": 5, "split_threshold": 8, "sample": 60, "items_per_request": 5}
    with Workspace.init(
        tmp_path / "v", embedder=word_embedder(32), models=in_every_role(server.model), vocabulary=settings
    ) as workspace:
        server.fails = lambda request: any("oak" in text for text in request.texts)
        build = workspace.build_vocabulary(items)
        assert "" in build.failed
        assert not build.again
        history = read_history(workspace)
        assert history[0].refined.uncovered
        before = [each.path for each in read_vocabulary(workspace).descriptors]
        assert ("oak",) not in before

        server.fails = lambda _: False
        build = workspace.build_vocabulary(items)
        assert (build.failed, build.again) == ({}, False)
        assert ("oak",) in [each.path for each in read_vocabulary(workspace).descriptors]
        assert not read_history(workspace)[0].refined.uncovered

        server.model.history.clear()
        assert workspace.build_vocabulary(items).again
        assert server.model.history == []
