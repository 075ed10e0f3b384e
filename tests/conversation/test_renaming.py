"""A label without branches is renamed by words, and found by its new name at once."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from pulled import require_weights

from taxonaut.conversation.conversation import Conversation
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Answered, ChangeProposed, TalkUpdate
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

LABELS = """id,name,path
audio,Audio,Audio
cans,Headphones,Audio > Headphones
bone,Bone Conduction Headphones,Audio > Headphones > Bone Conduction Headphones
dj,DJ Headphones,Audio > Headphones > DJ Headphones
toys,Toys,Toys
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    require_weights()
    (tmp_path / "labels.csv").write_text(LABELS)
    with Workspace.init(tmp_path / "shop") as made:
        made.import_labels(read_labels(tmp_path / "labels.csv"))
        yield made


async def last(updates: AsyncGenerator[TalkUpdate, None]) -> TalkUpdate:
    return [update async for update in updates][-1]


@pytest.mark.local
async def test_it_is_renamed_by_words(workspace: Workspace) -> None:
    async with Conversation.open(workspace) as chat:
        proposed = await last(chat.say("rename Bone Conduction Headphones to 'Skull speakers'"))
        assert isinstance(proposed, ChangeProposed)
        assert proposed.diff == ("~ renamed 'Bone Conduction Headphones' (bone) to 'Skull speakers'",)
        assert workspace.index.label(LabelId("bone")).name == "Bone Conduction Headphones"
        await last(chat.decide(True))
        assert workspace.index.label(LabelId("bone")).name == "Skull speakers"
        answered = await last(chat.say('where would "skull speakers" go'))
        assert isinstance(answered, Answered)
        assert answered.text.splitlines()[0].startswith("1. Audio > Headphones > Skull speakers")
