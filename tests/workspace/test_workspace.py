"""A workspace from Python: labels in, texts in, results out, kept, explained and paid for once."""

import asyncio
import gc
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import word_embedder

import taxonaut
from taxonaut import Item, ScriptedModel, Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.prompts.eject import eject
from taxonaut.state.errors import (
    InputError,
    ModelError,
    ModelReplyError,
    ModelUnavailableError,
    NotFoundError,
    WorkspaceError,
)
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import ItemResult, Label, Prediction, Tree, TreeNode, as_item
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.state.updates import ItemFinished, LabelsUnplaced, OnUpdate, Progress, Update, listening, tell
from taxonaut.workspace.files.label_files import read_labels

pytestmark = pytest.mark.slow

LABELS = """id,name,path
shoes,Shoes,Clothes > Shoes
boots,Boots,Clothes > Shoes > Boots
balls,Balls,Sports > Balls
pucks,Pucks,Sports > Pucks
"""
SETTINGS: dict[str, Any] = {
    "walk": {"shortlist": "tree", "candidates": 0},
    "embeddings": {"model": "gguf/there-is-no-such-model"},
}


def counting(done: list[int]) -> OnUpdate:
    """Note how much is done each time that progress is told."""
    return lambda update: done.append(update.done) if isinstance(update, Progress) else None


def by_words(request: ModelRequest) -> Sequence[int] | ModelError:
    """Take every option one of whose last name's words is in the text; fail where the text says so."""
    if "fail" in request.text:
        return ModelUnavailableError("the server is away")
    wanted = request.text.casefold()
    fits = [c.id for c in request.choices if c.texts[0].rpartition(" > ")[2].casefold() in wanted]
    return fits or [0]


@pytest.fixture
def model() -> ScriptedModel:
    """The model behind both roles of a walk."""
    return ScriptedModel(rule=by_words, name="hosted_vllm/test")


def both(model: ScriptedModel) -> dict[str, Any]:
    return {"navigator": model, "general_expert": model}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace of four labels in a native tree."""
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    made = tmp_path / "shop"
    with Workspace.init(made) as workspace:
        workspace.import_labels(read_labels(tmp_path / "labels.csv"))
    return made


@pytest.fixture
def shop(folder: Path, model: ScriptedModel) -> Iterator[Workspace]:
    with Workspace.open(folder, models=both(model), **SETTINGS) as workspace:
        yield workspace


BOOTS = "clothes, shoes: winter boots"
BOOT_LABELS = (
    Prediction(LabelId("boots"), "Boots", ("Clothes", "Shoes", "Boots"), 1.0),
    Prediction(LabelId("shoes"), "Shoes", ("Clothes", "Shoes"), 0.5),
)


def same_labels(result: ItemResult) -> set[tuple[LabelId, tuple[str, ...]]]:
    return {(label.label_id, label.path) for label in result.labels}


def test_texts_in_results_out(shop: Workspace) -> None:
    first, second, third = shop.classify([BOOTS, "sports balls", "nothing of ours"])
    assert same_labels(first) == {(label.label_id, label.path) for label in BOOT_LABELS}
    assert [label.score for label in first.labels] == [1.0, 0.5]
    assert second.labels == (Prediction(LabelId("balls"), "Balls", ("Sports", "Balls"), 1.0),)
    assert third == ItemResult(as_item("nothing of ours").id, ())
    assert {label.origin for result in (first, second) for label in result.labels} == {"tree"}


def test_bare_texts_have_stable_ids_and_items_keep_theirs(shop: Workspace) -> None:
    results = shop.classify([BOOTS, Item(ItemId("mine"), BOOTS)])
    assert [result.item_id for result in results] == [as_item(BOOTS).id, "mine"]
    assert results[0].labels == results[1].labels


def test_a_second_call_asks_nothing(shop: Workspace, model: ScriptedModel) -> None:
    results = shop.classify([BOOTS, "sports balls"])
    asked = len(model.history)
    assert shop.classify(["sports balls", BOOTS]) == results[::-1]
    assert len(model.history) == asked
    assert shop.classify([BOOTS, "sports pucks"])[0] == results[0]
    assert len(model.history) > asked


def test_what_is_finished_is_kept_in_the_file(folder: Path, model: ScriptedModel) -> None:
    with Workspace.open(folder, models=both(model), **SETTINGS) as workspace:
        results = workspace.classify([BOOTS])
    asked = len(model.history)
    with Workspace.open(folder, models=both(model), **SETTINGS) as workspace:
        assert workspace.classify([BOOTS]) == results
    assert len(model.history) == asked


def test_other_settings_templates_or_labels_are_another_classification(shop: Workspace, folder: Path) -> None:
    prints = [shop.classification().run.fingerprint, shop.classification(top=3).run.fingerprint]
    assert shop.classification(top=10).run.fingerprint == prints[0]
    path = eject(shop.prompts, "navigator/expand")
    assert shop.classification().run.fingerprint == prints[0]
    path.write_text(path.read_text(encoding="utf-8").replace("You find", "You seek"), encoding="utf-8")
    prints.append(shop.classification().run.fingerprint)
    shop.index.add_labels([Label(LabelId("new"), "New")])
    shop.index.place(LabelId("new"), [shop.index.root()])
    prints.append(shop.classification().run.fingerprint)
    assert len(set(prints)) == 4


def test_walk_settings_of_one_call(shop: Workspace) -> None:
    (result,) = shop.classify([BOOTS], top=1)
    assert len(result.labels) == 1
    assert len(shop.classify([BOOTS])[0].labels) == 2
    with pytest.raises(InputError, match=r"^invalid \[walk\] settings: terminals: Input should be greater"):
        shop.classify([BOOTS], terminals=0)
    with pytest.raises(InputError, match=r"^invalid \[walk\] settings: termnals: Extra inputs"):
        shop.classify([BOOTS], termnals=3)


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b \u00a0"[2:]])
def test_an_empty_text_asks_nothing_and_says_so(shop: Workspace, model: ScriptedModel, text: str) -> None:
    (result,) = shop.classify([text])
    assert (result.labels, result.error, model.history) == ((), "the text is empty", [])


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "shoes 🧦 של", "'; DROP TABLE items; --", "{{ 7 * 7 }}", "a\x00b", "line\nline"],
)
def test_strange_texts_go_through(shop: Workspace, text: str) -> None:
    (result,) = shop.classify([text])
    assert result.error == ""
    assert shop.items.get([result.item_id])[0].text == text


def test_an_item_that_fails_is_tried_again_the_next_time(shop: Workspace, model: ScriptedModel) -> None:
    results = shop.classify([BOOTS, "fail"])
    assert [result.error for result in results] == ["", "the server is away"]
    model.rule = lambda request: [1]
    asked = len(model.history)
    again = shop.classify([BOOTS, "fail"])
    assert (again[0], again[1].error) == (results[0], "")
    assert {request.text for request in model.history[asked:]} == {"fail"}


def test_a_whole_batch_without_an_answer_stops_and_keeps_what_was_finished(
    shop: Workspace, model: ScriptedModel
) -> None:
    texts = [BOOTS, "sports balls", "fail 1", "fail 2", "sports pucks"]
    with pytest.raises(ModelUnavailableError) as caught:
        shop.classify(texts, batch=2)
    assert str(caught.value) == (
        "2 requests in a row got no answer: the server is away — what was finished before is kept; "
        "run the same command again to continue"
    )
    asked = len(model.history)
    model.rule = lambda request: [1]
    assert len(shop.classify(texts, batch=2)) == 5
    assert {request.text for request in model.history[asked:]} == {"fail 1", "fail 2", "sports pucks"}


def test_equal_texts_are_walked_once_and_each_has_its_result(shop: Workspace, model: ScriptedModel) -> None:
    alone = shop.classify([BOOTS])
    asked = [request.text for request in model.history]
    results = shop.classify(["sports balls", "sports balls", BOOTS, BOOTS])
    assert results[2:] == alone * 2
    assert results[0] == results[1]
    assert len(model.history) == len(asked) + 2


def test_one_id_for_two_texts_is_refused(shop: Workspace) -> None:
    with pytest.raises(InputError, match=r"^two items have the id 'a'; give each item a unique id"):
        shop.classify([Item(ItemId("a"), "one"), Item(ItemId("a"), "two")])


def test_progress_counts_items_that_have_their_result(shop: Workspace) -> None:
    seen: list[int] = []
    shop.classify([f"shoes {number}" for number in range(5)], on_update=counting(seen), batch=2)
    assert seen == [2, 4, 5]


async def test_asynchronously_as_a_stream_and_where_a_loop_runs(shop: Workspace) -> None:
    texts = [BOOTS, "sports balls", "sports pucks"]
    results = await shop.aclassify(texts)
    assert [result async for result in shop.stream(texts, batch=1)] == results
    assert shop.classify(texts) == results


async def test_two_calls_at_a_time_with_one_id_get_an_answer_each(shop: Workspace) -> None:
    given = [Item(ItemId("1"), BOOTS), Item(ItemId("1"), "sports balls"), Item(ItemId("1"), "sports pucks")]
    at_once = await asyncio.gather(*(shop.aclassify([item]) for item in given))
    assert [{label.name for label in result.labels} for (result,) in at_once] == [
        {"Boots", "Shoes"},
        {"Balls"},
        {"Pucks"},
    ]
    assert [await shop.aclassify([item]) for item in given] == at_once
    graph = shop.graph().compile()
    states = await asyncio.gather(*(graph.ainvoke({"items": [item]}) for item in given))
    assert [state["results"]["1"].labels for state in states] == [result.labels for (result,) in at_once]


async def test_a_stream_that_is_left_early_is_an_interrupted_run(shop: Workspace) -> None:
    stream = shop.stream(["sports balls", "sports pucks"], batch=1)
    async for _ in stream:
        break
    await stream.aclose()
    (run,) = shop.runs.list("classify")
    assert (run.status, run.units) == ("interrupted", 1)


async def test_a_stream_tells_its_own_progress_and_nothing_of_its_reader_s(shop: Workspace) -> None:
    streamed: list[Update] = []
    around: list[Update] = []
    with listening(around.append):
        async for _ in shop.stream(["sports balls", "sports pucks"], batch=1, on_update=streamed.append):
            tell(Progress("reading"))
    finished = [update.item_id for update in streamed if isinstance(update, ItemFinished)]
    assert finished == [as_item(text).id for text in ("sports balls", "sports pucks")]
    assert Progress("reading") not in streamed
    assert around.count(Progress("reading")) == 2


def test_two_loops_may_use_one_workspace(shop: Workspace) -> None:
    one = asyncio.run(shop.aclassify([BOOTS]))
    assert asyncio.run(shop.aclassify([BOOTS])) == one == shop.classify([BOOTS])


def test_the_graph_itself(shop: Workspace) -> None:
    state = shop.graph().compile().invoke({"items": [Item(ItemId("t1"), BOOTS)]})
    assert same_labels(state["results"]["t1"]) == {(label.label_id, label.path) for label in BOOT_LABELS}


def test_what_it_cost(shop: Workspace) -> None:
    assert shop.cost() == Totals()
    shop.classify([BOOTS, "sports balls", "fail"])
    totals = shop.cost()
    assert (totals.requests, totals.errors, totals.cached) == (6, 1, 0)
    assert totals == shop.classification().totals()


def test_no_weights_are_touched_by_language_models_on_a_tree(shop: Workspace) -> None:
    shop.classify([BOOTS])
    assert (shop.wiring.embedders, shop.wiring.scorers, shop.compares_vectors) == ({}, {}, False)


def test_a_tree_is_needed_unless_retrieval_alone_is_asked_for(tmp_path: Path, model: ScriptedModel) -> None:
    with Workspace.init(tmp_path / "flat") as workspace:
        with pytest.raises(InputError, match="has no labels yet; import some: taxonaut labels import FILE"):
            workspace.classify(["x"])
        with pytest.raises(InputError, match="has no labels yet; import some: taxonaut labels import FILE"):
            workspace.build_index()
        workspace.index.add_labels([Label(LabelId("a"), "a"), Label(LabelId("b"), "b")])
        with pytest.raises(
            InputError, match=r"^2 labels are not in a tree yet; build one with: taxonaut index build"
        ):
            workspace.classify(["x"])


def test_labels_without_a_place_stop_no_walk(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "part", embedder=word_embedder(16)) as workspace:
        workspace.index.add_labels([Label(LabelId(name), name) for name in ("boots", "sandals", "pears")])
        nodes = (TreeNode(1, "shoes"),)
        tree = Tree("native", nodes, ((0, 1),), ((1, LabelId("boots")), (1, LabelId("sandals"))))
        workspace.index.load_tree(tree, allow_unplaced=True)
        told: list[Any] = []
        with listening(told.append):
            (result,) = workspace.classify(["pears"])
        assert result.labels[0].label_id == "pears"
        assert result.labels[0].path == ("pears",)
        assert LabelsUnplaced(1, LabelId("pears")) in told


def test_an_index_of_one_label(tmp_path: Path, model: ScriptedModel) -> None:
    (tmp_path / "one.txt").write_text("Shoes\n", encoding="utf-8")
    with Workspace.init(tmp_path / "one") as workspace:
        labels = read_labels(tmp_path / "one.txt")
        workspace.import_labels(labels)
        if not labels.has_tree:
            workspace.index.place(workspace.index.label_ids()[0], [workspace.index.root()])
    with Workspace.open(tmp_path / "one", models=both(model), **SETTINGS) as workspace:
        (result,) = workspace.classify(["shoes"])
        assert [label.path for label in result.labels] == [("Shoes",)]


def test_labels_are_imported_once(folder: Path, tmp_path: Path) -> None:
    with Workspace.open(folder) as workspace:
        labels = read_labels(tmp_path / "labels.csv")
        with pytest.raises(InputError) as caught:
            workspace.import_labels(labels)
        before = workspace.index.version()
    assert str(caught.value) == (
        f"{str(folder)!r} already has 4 labels; add to them (taxonaut labels add FILE), or "
        "import into a new workspace (taxonaut init DIR)"
    )
    with Workspace.open(folder) as workspace:
        assert workspace.index.version() == before


def test_making_and_opening(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught:
        Workspace.open(tmp_path / "none")
    assert str(caught.value) == (
        f"{str(tmp_path / 'none')!r} is not a workspace; create one with: taxonaut init {tmp_path / 'none'}"
    )
    with Workspace.init(tmp_path / "made"):
        assert sorted(path.name for path in (tmp_path / "made").iterdir() if ".wal" not in path.name) == [
            "index.duckdb",
            "index.duckdb.holder",
            "prompts",
            "taxonaut.toml",
        ]
    assert not (tmp_path / "made" / "index.duckdb.holder").exists()
    with pytest.raises(InputError, match="is already a workspace; use it or choose another folder"):
        Workspace.init(tmp_path / "made")
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="cannot create a workspace in"):
        Workspace.init(tmp_path / "file")


def test_decisions_can_be_traced_to_their_template(shop: Workspace) -> None:
    (result,) = shop.classify([BOOTS])
    run = shop.runs.list("classify")[0]
    for decision in shop.decisions.for_item(run.id, result.item_id):
        assert Templates(shop.database).text(decision.template_hash) == shop.prompts.text(decision.template)


def test_settings_are_kept_with_the_run(shop: Workspace) -> None:
    shop.classify([BOOTS], top=2)
    (run,) = shop.runs.list("classify")
    assert run.settings["walk"]["top"] == 2
    assert run.settings["version"] == taxonaut.__version__
    assert run.settings["models"]["navigator"]["model"] == "hosted_vllm/test"


def test_a_reply_error_of_every_item_says_what_is_wrong(shop: Workspace, model: ScriptedModel) -> None:
    model.rule = lambda request: ModelReplyError("'m' made no valid call")
    with pytest.raises(
        ModelUnavailableError, match="got no answer: 'm' made no valid call — what was finished"
    ):
        shop.classify(["a", "b"])


def test_nothing_to_do(shop: Workspace) -> None:
    assert shop.classify([]) == []
    gc.collect()


def test_the_items_of_a_generator_are_read_batch_by_batch(shop: Workspace) -> None:
    taken: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(6):
            taken.append(number)
            yield f"shoes {number}"

    async def first() -> list[int]:
        stream = shop.stream(texts(), batch=2)
        async for _ in stream:
            break
        seen = list(taken)
        await stream.aclose()
        return seen

    assert asyncio.run(first()) == [0, 1]


def test_explaining_an_item_that_was_never_walked(shop: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no item 'gone' in this workspace"):
        shop.explain(ItemId("gone"))
    shop.items.put([Item(ItemId("put"), "but not walked")])
    with pytest.raises(NotFoundError, match=r"^no walk of item 'put' is stored; classify it first$"):
        shop.explain(ItemId("put"))


def test_a_closed_workspace_is_let_go_of(folder: Path, model: ScriptedModel) -> None:
    """What a graph ran in is not kept by the libraries: DuckDB's objects would outlive the interpreter."""
    workspace = Workspace.open(folder, models=both(model), **SETTINGS)
    workspace.classify([BOOTS])
    index = weakref.ref(workspace.index)
    workspace.close()
    del workspace
    gc.collect()
    assert index() is None


def test_an_index_that_is_gone_is_an_error_not_a_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    Workspace.init(folder).close()
    settings = (folder / "taxonaut.toml").read_text(encoding="utf-8") + "# mine\n"
    (folder / "taxonaut.toml").write_text(settings, encoding="utf-8")
    (folder / "index.duckdb").unlink()
    with pytest.raises(WorkspaceError) as caught:
        Workspace.open(folder)
    assert str(caught.value) == (
        f"{str(folder)!r} has no index.duckdb, though it has 'prompts'; restore the file from a copy, or make an "
        f"empty one: taxonaut init {folder}"
    )
    assert not (folder / "index.duckdb").exists()
    Workspace.init(folder).close()
    assert (folder / "taxonaut.toml").read_text(encoding="utf-8") == settings


def test_settings_alone_get_their_index(tmp_path: Path) -> None:
    (tmp_path / "taxonaut.toml").write_text("", encoding="utf-8")
    with Workspace.open(tmp_path) as workspace:
        assert workspace.index.label_ids() == []


async def test_an_index_that_changes_meanwhile_ends_the_run(tmp_path: Path) -> None:
    """No result mixes two trees, and none of the new one is kept under the old one's run."""
    from fakes import word_embedder

    from taxonaut.state.ids import NodeId

    file = tmp_path / "labels.csv"
    file.write_text("id,name,path\na,Knives,Kitchen > Knives\nb,Bikes,Sport > Bikes\n", encoding="utf-8")
    with Workspace.init(tmp_path / "w", embedder=word_embedder(), walk={"batch": 1}) as workspace:
        workspace.import_labels(read_labels(file))
        texts = ["heavy knives", "old bikes", "sharp knives"]
        stream = workspace.stream(texts)
        first = await anext(stream)
        workspace.index.rename_node(NodeId(2), "Cooking")
        with pytest.raises(WorkspaceError, match="the index changed while items were worked on"):
            await anext(stream)
        assert workspace.runs.list()[0].units == 1
        again = await workspace.aclassify(texts)
        assert again[0].item_id == first.item_id
        assert all(len(result.labels) for result in again)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3])
async def test_closing_during_work_is_an_error_of_ours(tmp_path: Path, delay: float) -> None:
    from fakes import word_embedder

    file = tmp_path / "labels.csv"
    file.write_text("id,name,path\na,Knives,Kitchen > Knives\nb,Bikes,Sport > Bikes\n", encoding="utf-8")
    workspace = Workspace.init(tmp_path / "w", embedder=word_embedder(), walk={"batch": 1})
    workspace.import_labels(read_labels(file))
    work = asyncio.create_task(workspace.aclassify([f"thing {number}" for number in range(500)]))
    await asyncio.sleep(delay)
    workspace.close()
    with pytest.raises(WorkspaceError, match="was closed while it was in use"):
        await work
