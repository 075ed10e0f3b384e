"""Which proposal a descriptor came from."""

from taxonaut.state.descriptors import ChangeKind, ChangeProposal, RefinedGroup, Round
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import NodeId
from taxonaut.workspace.vocabulary.origins import Change, Origin, find_group_origins, find_origins
from taxonaut.workspace.vocabulary.reading import Group


def proposal(
    kind: ChangeKind, name: str = "", at: int | None = None, approved: bool | None = True
) -> ChangeProposal:
    return ChangeProposal(kind, "Some fit nowhere.", 30, (), Centre(name) if name else None, at, approved)


PENS, PAPER, CLIPS, TAPE = (Centre(name) for name in ("Pens", "Paper", "Clips", "Sticky tape"))
CREATED_CLIPS, CREATED_TAPE = proposal("create", "Clips"), proposal("create", "Tape")
WIDER, WIDER_STILL = proposal("expand", "Pens", 0), proposal("expand", "Clips", 2)
REFINED = RefinedGroup(
    centres=(PENS, PAPER, CLIPS, TAPE),
    members=((), (), (), ()),
    initial=2,
    rounds=(
        Round(10, 5, (CREATED_TAPE, WIDER, proposal("create", "Other", approved=False))),
        Round(10, 8, (CREATED_CLIPS, proposal("ignore", approved=None))),
        Round(10, 9, (WIDER_STILL, proposal("expand", "Paper", 1, approved=False))),
    ),
)


def test_descriptors_know_the_proposal_that_made_them_and_those_that_widened_them() -> None:
    assert find_group_origins(REFINED) == [
        Origin(PENS, None, (Change(1, WIDER),)),
        Origin(PAPER),
        Origin(CLIPS, Change(2, CREATED_CLIPS), (Change(3, WIDER_STILL),)),
        Origin(TAPE, Change(1, CREATED_TAPE)),
    ]


def test_descriptors_that_are_gone_are_left_out() -> None:
    group = Group(NodeId(1), 1, REFINED, (NodeId(7), None, NodeId(9), None))
    assert {node: origin.centre for node, origin in find_origins([group]).items()} == {7: PENS, 9: CLIPS}
    assert find_origins([]) == {}
