"""What templates were rendered with is remembered, and written when the workspace closes."""

from pathlib import Path

from taxonaut.state.db.connection import Database
from taxonaut.state.stores.prompt_versions import KEPT, TemplateSamples
from taxonaut.workspace.core.sample_recorder import SampleRecorder

RANK = "general_expert/rank"


def test_the_first_few_are_taken_and_written_once() -> None:
    with Database.in_memory() as database:
        recorder = SampleRecorder(database)
        for number in range(KEPT + 3):
            assert recorder.wants(RANK) == (number < KEPT)
            recorder.note(RANK, {"most": number, "text": "x", "node": "of another template"})
        recorder.note("navigator/expand", {"most": 1})
        recorder.note("navigator/expand", {"most": 1})
        assert TemplateSamples(database).all() == {}
        kept = recorder.all()
        assert (
            kept
            == TemplateSamples(database).all()
            == {
                RANK: [{"most": number, "text": "x"} for number in range(KEPT)],
                "navigator/expand": [{"most": 1}],
            }
        )
        assert (recorder.wants(RANK), recorder.wants("navigator/expand")) == (False, True)


def test_what_cannot_be_written_is_lost_without_a_word(tmp_path: Path) -> None:
    Database.open(tmp_path / "index.duckdb").close()
    with Database.open(tmp_path / "index.duckdb", read_only=True) as database:
        recorder = SampleRecorder(database)
        recorder.note(RANK, {"most": 1})
        recorder.flush()
        assert recorder.all() == {}
