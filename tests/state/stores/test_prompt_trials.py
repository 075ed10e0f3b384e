"""Trials that are kept, and what is read from decisions about a template's versions."""

from dataclasses import replace

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Decision, Usage
from taxonaut.state.stores.ledger import Ledger, Statement
from taxonaut.state.stores.prompt_trials import FirstRight, PromptTrials
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.state.stores.runs import Runs

NAME = "navigator/expand"
MADE = Decision(
    item_id=ItemId("a"),
    node_id=NodeId(2),
    agent="navigator",
    template=NAME,
    template_hash="h1",
    model="m",
    tool="expand_node",
    options=("3", "4"),
    choice=("3",),
    usage=Usage(100, 10, 50, 0.5),
    rendered="r",
)


def test_the_same_trial_again_takes_the_formers_place(database: Database) -> None:
    trials = PromptTrials(database)
    trials.keep(NAME, "h1", "h2", {"on": "x", "items": 1})
    trials.keep(NAME, "h1", "h2", {"on": "y", "items": 2})
    trials.keep(NAME, "h1", "h3", {"on": "x", "items": 3})
    trials.keep(NAME, "h1", "h2", {"on": "x", "items": 4})
    trials.keep("general_expert/rank", "h1", "h2", {"on": "x", "items": 5})
    assert [(each.after, each.report["items"]) for each in trials.of(NAME)] == [
        ("h2", 4),
        ("h3", 3),
        ("h2", 2),
    ]
    assert len(trials.of()) == 4


def test_uses_of_versions(database: Database) -> None:
    runs, trials = Runs(database), PromptTrials(database)
    run = runs.open("classify", "f", {})
    rows = [
        MADE,
        replace(MADE, item_id=ItemId("b"), choice=(), usage=Usage(200, 0, 0, 1.5)),
        replace(MADE, item_id=ItemId("b"), usage=replace(MADE.usage, cached=True, latency_s=0.0)),
        replace(MADE, choice=(), error="no answer", usage=Usage()),
        replace(MADE, template_hash="h2", model="encoder/x", rendered="", usage=Usage(latency_s=0.1)),
    ]
    runs.finish(run, {}, rows)
    use = trials.uses(NAME)[NAME, "h1"]
    assert (use.decisions, use.runs, use.items, use.errors, use.abstained, use.cached) == (4, 1, 2, 1, 1, 1)
    assert (use.prompt_tokens, use.completion_tokens, use.reused_tokens) == (400, 20, 100)
    assert (use.latency_s, use.models) == (1.0, ("m",))
    assert list(trials.uses()) == [(NAME, "h1")]
    assert trials.uses("general_expert/rank") == {}


def test_first_right_counts_items_whose_labels_are_known(database: Database) -> None:
    runs, trials = Runs(database), PromptTrials(database)
    Ledger(database).state(
        Statement(ItemId(item), f"u{item}", right=list(map(LabelId, labels)), complete=True)
        for item, labels in (("a", "xy"), ("b", "x"), ("c", "x"))
    )

    def walked(kind: str, fingerprint: str, hash: str, **labels: str) -> RunId:
        run = runs.open(kind, fingerprint, {})
        units = {
            f"u{item}": {"labels": [{"label_id": label}] if label else []} for item, label in labels.items()
        }
        runs.finish(run, units, [replace(MADE, template_hash=hash)])
        return run

    large = walked("classify", "1", "h1", a="y", b="z", c="", d="x")
    walked("trial", "2", "h1", a="x")
    other = walked("trial", "3", "h2", b="x", c="x")
    walked("evaluate", "4", "h3", b="x")
    judged = runs.open("categorize", "5", {})
    runs.finish(
        judged,
        {"g:ua": {"ranking": ["x", "z"]}, "g:ub": {"ranking": []}, "d:ua": {"labels": ["x"]}},
        [replace(MADE, template="general_expert/order", template_hash="h4")],
    )
    assert trials.first_right() == {
        (NAME, "h1"): FirstRight(1 / 3, 3, large),
        (NAME, "h2"): FirstRight(1.0, 2, other),
        ("general_expert/order", "h4"): FirstRight(0.5, 2, judged),
    }


def test_decisions_since_a_moment(database: Database) -> None:
    runs, trials = Runs(database), PromptTrials(database)
    assert trials.newest_decision() == -1
    run = runs.open("trial", "f", {})
    runs.finish(run, {}, [MADE])
    newest = trials.newest_decision()
    more = [replace(MADE, item_id=ItemId(name)) for name in "abc"]
    runs.finish(run, {}, more)
    runs.finish(RunId(99), {}, [MADE])
    assert trials.decisions_since(run, [ItemId("a"), ItemId("b")], newest) == 2


def test_files_behind_a_hash(database: Database) -> None:
    templates = Templates(database)
    templates.keep("old", NAME, "old text")
    templates.keep(
        "new1", NAME, "own", {"navigator/expand.j2": "own", "packaged/navigator/expand.j2": "above"}
    )
    assert templates.files("new1") == {"navigator/expand.j2": "own", "packaged/navigator/expand.j2": "above"}
    assert templates.files("old") == {}
    assert templates.unkept(["old", "new1", "new2"]) == {"old", "new2"}
    assert [each.hash for each in templates.beginning("new")] == ["new1"]
    assert templates.beginning("%") == []
