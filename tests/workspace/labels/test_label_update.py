"""A new version of a label file taken over: in whole, in part, as one change, and back again."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from fakes import FakeEmbedder, word_embedder
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from taxonaut import InputError, Label, LabelFile, LabelId, Workspace, read_labels
from taxonaut.state.index.diff import diff
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.labels.change_table import read_accepted, write_changes
from taxonaut.workspace.labels.label_sets import Entry, set_from_file
from taxonaut.workspace.labels.label_update import AcceptRule

SHOP = """\
id,path,description
1,Apparel,
2,Apparel > Shoes,
3,Apparel > Hats,
4,Home,
5,Home > Lamps,
6,Home > Cups,
"""
NEW = """\
id,path,description
1,Apparel & Accessories,
2,Apparel & Accessories > Footwear,Shoes and boots
20,Apparel & Accessories > Footwear > Boots,
4,Home,
5,Apparel & Accessories > Lamps,
6,Home > Cups,
7,Garden > Rakes,
"""

Write = Callable[[str], LabelFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> LabelFile:
        path = tmp_path / "shop.csv"
        path.write_text(text, encoding="utf-8")
        return read_labels(path)

    return write


@pytest.fixture
def workspace(tmp_path: Path, write: Write) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "w", embedder=word_embedder(32)) as opened:
        opened.import_labels(write(SHOP))
        yield opened


def places(workspace: Workspace) -> dict[str, list[str]]:
    """The paths of each label."""
    found = workspace.index.paths_of(workspace.index.label_ids())
    return {label: sorted(" > ".join(path) for path in paths) for label, paths in found.items()}


def test_everything_that_is_certain_is_taken_over_as_one_change(workspace: Workspace, write: Write) -> None:
    before = places(workspace)
    report = workspace.update_labels(write(NEW))
    assert places(workspace) == {
        "1": ["Apparel & Accessories"],
        "2": ["Apparel & Accessories > Footwear"],
        "4": ["Home"],
        "5": ["Apparel & Accessories > Lamps"],
        "6": ["Home > Cups"],
        "20": ["Apparel & Accessories > Footwear > Boots"],
        "7": ["Garden > Rakes"],
    }
    assert report.applied == {"new": 2, "renamed": 2, "moved": 1, "described": 1, "gone": 1}
    assert report.left == ()
    assert workspace.index.label(LabelId("2")).description == "Shoes and boots"
    assert workspace.index.resolve(LabelId("3")).kind == "gone"
    assert workspace.index.mappings()[0].reason == "labels update shop.csv"
    assert {node.name for node in workspace.index.children(workspace.index.root())} == {
        "Apparel & Accessories", "Home", "Garden",
    }  # fmt: skip
    assert workspace.compare_version(write(NEW)).changes == ()
    workspace.index.undo()
    assert places(workspace) == before
    assert workspace.index.mappings() == []


def test_and_back_again(workspace: Workspace, write: Write) -> None:
    before = places(workspace)
    workspace.update_labels(write(NEW))
    report = workspace.update_labels(write(SHOP))
    assert places(workspace) == before
    assert report.applied == {"restored": 1, "renamed": 2, "moved": 1, "gone": 2}
    assert workspace.index.resolve(LabelId("3")).kind == "live"
    assert "Garden" not in {node.name for node in workspace.index.children(workspace.index.root())}


def test_kinds_are_accepted_by_a_rule(workspace: Workspace, write: Write) -> None:
    report = workspace.update_labels(write(NEW), AcceptRule(frozenset({"new", "renamed"})))
    assert report.applied == {"new": 2, "renamed": 2}
    assert places(workspace)["5"] == ["Home > Lamps"]
    assert places(workspace)["3"] == ["Apparel & Accessories > Hats"]
    left = workspace.compare_version(write(NEW)).comparison.counts()
    assert left == {"moved": 1, "described": 1, "gone": 1}


def test_a_new_parent_that_is_not_accepted_leaves_its_children_above(
    workspace: Workspace, write: Write
) -> None:
    update = workspace.compare_version(write(SHOP + "8,Home > Kitchen,\n9,Home > Kitchen > Pans,\n"))
    chosen = [change for change in update.changes if change.name == "Pans"]
    workspace.update_labels(update.file, chosen)
    assert places(workspace)["9"] == ["Home > Pans"]
    workspace.update_labels(update.file)
    assert places(workspace)["9"] == ["Home > Kitchen > Pans"]


def test_what_was_changed_by_hand_is_kept_unless_it_is_asked_for(workspace: Workspace, write: Write) -> None:
    index = workspace.index
    lamps, home = LabelId("5"), index.search_nodes("Home")[0].id
    index.rename_labels({lamps: "Lights", LabelId("6"): "Mugs"})
    index.rename_node(home, "House")
    index.move_label(LabelId("2"), home)
    update = workspace.compare_version(write(SHOP.replace("Lamps", "Luminaires")))
    assert [(change.kind, change.before, change.after, change.own) for change in update.changes] == [
        ("renamed", "Lights", "Luminaires", True)
    ]
    assert update.changes[0].note == "changed by hand here"
    report = workspace.update_labels(update.file)
    assert (report.applied, report.change) == ({}, None)
    workspace.update_labels(update.file, AcceptRule(overwrite=True))
    assert index.label(lamps).name == "Luminaires"
    assert index.label(LabelId("6")).name == "Mugs"
    assert places(workspace)["2"] == ["House > Shoes"]
    later = workspace.compare_version(write(SHOP.replace("Lamps", "Bulbs")))
    assert [change.own for change in later.changes] == [False]


def test_labels_that_a_user_added_are_not_retired(workspace: Workspace, write: Write) -> None:
    added = Label(LabelId("own"), "Own things", batch="mine.csv 2026-11-30")
    workspace.add_labels(LabelFile("mine", (LabelRow(added, ("Home", "Own things")),)))
    update = workspace.compare_version(write(SHOP))
    assert [(change.kind, change.own, change.note) for change in update.changes] == [
        ("gone", True, "added here, and not by a file")
    ]
    assert workspace.update_labels(update.file).change is None


def test_other_ids_keep_places_and_are_mapped(workspace: Workspace, write: Write) -> None:
    new = "id,path\na1,Apparel\na2,Apparel > Shoes\na3,Apparel > Hats\na4,Home\na5,Home > Lamps\na6,Home > Cups\n"
    before = places(workspace)
    workspace.update_labels(write(new))
    assert places(workspace) == {f"a{label}": paths for label, paths in before.items()}
    assert workspace.index.resolve(LabelId("5")).labels == ("a5",)
    workspace.update_labels(write(SHOP))
    assert places(workspace) == before


def test_merged_labels_are_mapped(workspace: Workspace, write: Write) -> None:
    new = SHOP.replace("id,path,description", "id,path,description,synonyms").replace(
        "3,Apparel > Hats,\n", ""
    )
    workspace.update_labels(write(new.replace("Shoes,", "Shoes,,Hats")))
    assert workspace.index.resolve(LabelId("3")).labels == ("2",)
    assert workspace.index.mappings()[0].kind == "merged"


def test_a_label_is_known_by_the_id_that_it_had(workspace: Workspace, write: Write) -> None:
    workspace.index.reid_labels({LabelId("5"): LabelId("lamps"), LabelId("6"): LabelId("cups")})
    update = workspace.compare_version(write(SHOP.replace("Lamps", "Lights")))
    assert [(each.kind, each.before, each.after, each.own) for each in update.changes] == [
        ("renamed", "Lamps", "Lights", False),
        ("ids", "lamps", "5", True),
        ("ids", "cups", "6", True),
    ]
    workspace.update_labels(update.file)
    assert places(workspace)["lamps"] == ["Home > Lights"]
    workspace.update_labels(update.file, AcceptRule(overwrite=True))
    assert places(workspace)["5"] == ["Home > Lights"]


def test_a_split_label_is_mapped_to_its_parts(workspace: Workspace, write: Write) -> None:
    old = SHOP.replace("5,Home > Lamps", "5,Home > Lamps and Candles")
    new = SHOP.replace("5,Home > Lamps,", "51,Home > Lamps,\n52,Home > Candles,")
    workspace.update_labels(write(old), AcceptRule(min_score=0.5))
    before = workspace.index.snapshot()
    update = workspace.compare_version(write(new))
    report = workspace.update_labels(update.file, AcceptRule(min_score=0.5))
    assert report.applied == {"new": 2, "split": 1}
    (mapping,) = workspace.index.mappings()
    assert (mapping.old, mapping.kind, set(mapping.new)) == ("5", "split", {"51", "52"})
    assert workspace.index.resolve(LabelId("5")).kind == "ambiguous"
    workspace.index.undo()
    assert diff(before, workspace.index.snapshot()).is_empty
    split = next(change for change in update.changes if change.kind == "split")
    one = next(change for change in update.changes if change.name == "Lamps")
    update = workspace.compare_version(update.file)
    report = workspace.update_labels(update.file, [split, one])
    assert [(each.kind, each.new) for each in workspace.index.mappings()] == [("retired", ("51",))]
    assert report.notes == ("'5' is not mapped to '52', not added by this update",)


def test_guesses_are_listed_and_taken_over_when_accepted(workspace: Workspace, write: Write) -> None:
    new = SHOP.replace("5,Home > Lamps", "50,Home > Table Lamps")
    update = workspace.compare_version(write(new))
    guess = next(change for change in update.changes if change.kind == "ids")
    assert (guess.before, guess.after, guess.is_certain) == (
        "5 (Home > Lamps)",
        "50 (Home > Table Lamps)",
        False,
    )
    workspace.update_labels(update.file, [guess])
    assert places(workspace)["50"] == ["Home > Table Lamps"]
    assert workspace.index.resolve(LabelId("5")).labels == ("50",)
    assert workspace.compare_version(update.file).changes == ()


def test_without_ids_labels_keep_those_that_they_have(workspace: Workspace, write: Write) -> None:
    paths = ("Apparel", "Apparel > Shoes", "Apparel > Hats", "Apparel > Hats > Caps", "Home", "Home > Cups")
    new = "\n".join(["path", *paths, "Apparel > Lamps"])
    workspace.update_labels(write(new))
    assert places(workspace)["5"] == ["Apparel > Lamps"]
    assert places(workspace)["3"] == ["Apparel > Hats"]
    assert places(workspace)["Apparel > Hats > Caps"] == ["Apparel > Hats > Caps"]


def test_a_label_becomes_a_parent_and_its_parent_its_child(workspace: Workspace, write: Write) -> None:
    new = SHOP.replace("2,Apparel > Shoes", "2,Shoes").replace("1,Apparel,", "1,Shoes > Apparel,")
    workspace.update_labels(write(new.replace("3,Apparel > Hats", "3,Shoes > Apparel > Hats")))
    assert places(workspace)["3"] == ["Shoes > Apparel > Hats"]
    workspace.update_labels(write(SHOP))
    assert places(workspace)["3"] == ["Apparel > Hats"]
    assert places(workspace)["2"] == ["Apparel > Shoes"]


def test_moves_that_depend_on_others_are_refused_alone(workspace: Workspace, write: Write) -> None:
    new = SHOP.replace("1,Apparel,", "1,Shoes > Apparel,").replace("2,Apparel > Shoes", "2,Shoes")
    update = workspace.compare_version(write(new.replace("3,Apparel >", "3,Shoes > Apparel >")))
    before = places(workspace)
    with pytest.raises(InputError, match="accept them together"):
        workspace.update_labels(update.file, [each for each in update.changes if each.name == "Apparel"])
    assert places(workspace) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,path\n91,Cars\n92,Cars > Vans\n93,Boats\n", r"only 0 % of its labels match .* labels match FILE"),
        (SHOP.replace("Apparel", "Tools").replace("Shoes", "Saws").replace("Hats", "Axes").replace("Home", "Fuel")
         .replace("Lamps", "Coal").replace("Cups", "Oil"), "have nothing in common, such as '1', 'Apparel' here"),
        ("id,path\n1,Home\n2,Home > Cups\n3,Home > Lamps\n4,Apparel\n5,Apparel > Hats\n6,Apparel > Shoes\n",
         "stand for other labels .* --id-column ''"),
        ("id,path\n1,Apparel\n2,Apparel > Shoes\n", "lacks 4 of the 6 labels; .* --partial"),
    ],
)  # fmt: skip
def test_files_that_are_no_new_version_are_refused(
    workspace: Workspace, write: Write, text: str, said: str
) -> None:
    before = places(workspace)
    with pytest.raises(InputError, match=said):
        workspace.update_labels(write(text))
    assert places(workspace) == before


def test_of_a_part_the_rest_stays(workspace: Workspace, write: Write) -> None:
    report = workspace.update_labels(write("id,path\n1,Clothes\n2,Clothes > Shoes\n"), partial=True)
    assert report.applied == {"renamed": 1}
    assert places(workspace)["3"] == ["Clothes > Hats"]


def test_translated_names_are_taken_over_when_ids_are_said_to_be_the_same(
    workspace: Workspace, write: Write
) -> None:
    names = (
        "Kleidung",
        "Kleidung > Stiefel",
        "Kleidung > Mützen",
        "Wohnen",
        "Wohnen > Leuchten",
        "Wohnen > Tassen",
    )
    new = "id,path\n" + "".join(f"{id_},{name}\n" for id_, name in enumerate(names, start=1))
    with pytest.raises(InputError, match="--same-ids"):
        workspace.update_labels(write(new))
    workspace.update_labels(write(new), same_ids=True)
    assert places(workspace)["5"] == ["Wohnen > Leuchten"]


def test_a_table_of_changes_is_edited_and_read_back(
    workspace: Workspace, write: Write, tmp_path: Path
) -> None:
    update = workspace.compare_version(write(NEW))
    for name in ("changes.csv", "changes.jsonl", "changes.xlsx"):
        table = tmp_path / name
        write_changes(table, update, update.accepted(AcceptRule()))
        assert read_accepted(table, update) == list(update.changes)
    lines = (tmp_path / "changes.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "accept,change,id,new_id,name,before,after,into,by,score,note"
    kept = [lines[0], *(line for line in lines[1:] if ",moved," in line), lines[1].replace("yes", "no", 1)]
    (tmp_path / "some.csv").write_text("\n".join(kept), encoding="utf-8")
    assert [change.kind for change in read_accepted(tmp_path / "some.csv", update)] == ["moved"]
    for text, said in (
        (lines[1].replace("yes", "perhaps", 1), "'perhaps' in the column 'accept'"),
        (lines[1].replace("Boots", "Boats"), "is no change between the workspace and shop.csv"),
    ):
        (tmp_path / "wrong.csv").write_text(f"{lines[0]}\n{text}\n", encoding="utf-8")
        with pytest.raises(InputError, match=said):
            read_accepted(tmp_path / "wrong.csv", update)


@pytest.mark.parametrize("method", ["agents", "kmeans"])
def test_a_tree_that_was_built_grows(tmp_path: Path, write: Write, method: str) -> None:
    names = [
        f"{thing} {colour}" for thing in ("shoe", "lamp", "cup") for colour in ("red", "blue", "grey", "pink")
    ]
    old = "id,name\n" + "".join(f"{at},{name}\n" for at, name in enumerate(names))
    with Workspace.init(tmp_path / "built", embedder=word_embedder(32, fading=True)) as workspace:
        workspace.import_labels(write(old))
        workspace.build_index(method, terminal_size=4)
        new = old.replace("0,shoe red", "0,shoe scarlet").replace("11,cup pink\n", "") + "40,lamp green\n"
        report = workspace.update_labels(write(new))
        assert report.applied == {"new": 1, "renamed": 1, "gone": 1}
        assert workspace.index.placements_of(LabelId("40"))
        assert len(workspace.index.label_ids()) == 12
        workspace.index.undo()
        assert workspace.index.stats().labels == 12
        assert not workspace.index.has_label(LabelId("40"))


Version = Mapping[int, tuple[str, int]]
"""The name of each label, and the label it is below: one with a lower number, or 0."""


def file_of(version: Version) -> LabelFile:
    rows = [
        LabelRow(Label(LabelId("top"), "Top")),
        LabelRow(Label(LabelId("leaf"), "Leaf"), parents=(LabelId("top"),)),
    ]
    for id_, (name, above) in version.items():
        parents = (LabelId(f"id{above}"),) if above in version and above < id_ else ()
        rows.append(LabelRow(Label(LabelId(f"id{id_}"), f"{name} {id_}"), parents=parents))
    return LabelFile("version", tuple(rows))


versions = st.dictionaries(
    st.integers(1, 9),
    st.tuples(st.sampled_from(["red", "blue", "dark"]), st.integers(0, 8)),
    min_size=5,
    max_size=9,
).map(lambda given: dict(sorted(given.items())))


@pytest.mark.slow
@settings(max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(first=versions, steps=st.lists(st.one_of(versions, st.none()), min_size=1, max_size=4))
def test_updates_and_undos_lose_no_label_and_no_mapping(
    tmp_path_factory: pytest.TempPathFactory, first: Version, steps: Sequence[Version | None]
) -> None:
    folder = tmp_path_factory.mktemp("updates")
    embedder: FakeEmbedder = word_embedder(16)
    with Workspace.init(folder / "w", embedder=embedder) as workspace:
        workspace.import_labels(file_of(first))
        states = [(places(workspace), workspace.index.mappings())]
        seen = [set(workspace.index.label_ids())]
        for step in steps:
            if step is None:
                if len(states) > 1:
                    workspace.index.undo()
                    states.pop()
                    seen.pop()
                    assert (places(workspace), workspace.index.mappings()) == states[-1]
                continue
            if len(step.keys() & first.keys()) < 3:
                continue
            update = workspace.compare_version(file_of(step), same_ids=True)
            certain = [each for each in update.changes if not each.joins and each.kind != "merged"]
            report = workspace.update_labels(update.file, certain, same_ids=True)
            wanted = {str(entry.id): [" > ".join(entry.path)] for entry in _entries(step)}
            assert places(workspace) == wanted
            known = seen[-1] | set(workspace.index.label_ids())
            gone = known - set(workspace.index.label_ids())
            assert gone == {mapping.old for mapping in workspace.index.mappings()} & known
            if report.change is not None:
                seen.append(known)
                states.append((places(workspace), workspace.index.mappings()))
    shutil.rmtree(folder)


def _entries(version: Version) -> list[Entry]:
    return set_from_file(file_of(version)).labels
