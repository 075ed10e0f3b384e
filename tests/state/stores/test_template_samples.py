"""The variables of a few decisions of each template."""

from taxonaut.state.db.connection import Database
from taxonaut.state.stores.prompt_versions import KEPT, TemplateSamples


def test_the_newest_few_of_each_template_are_kept() -> None:
    with Database.in_memory() as database:
        samples = TemplateSamples(database)
        samples.keep([])
        assert samples.all() == {}
        for number in range(KEPT + 3):
            samples.keep([("b", {"most": number}), ("b", {"most": number})])
        samples.keep([("a", {"text": "x \ud83d", "options": [{"id": 1}], "rare": True})])
        assert samples.all() == {
            "a": [{"text": "x \ud83d", "options": [{"id": 1}], "rare": True}],
            "b": [{"most": number} for number in range(3, KEPT + 3)],
        }


def test_a_sample_that_comes_again_is_the_newest() -> None:
    with Database.in_memory() as database:
        samples = TemplateSamples(database)
        samples.keep([("a", {"most": 0}), ("a", {"most": 1})])
        samples.keep([("a", {"most": 0})])
        assert samples.all() == {"a": [{"most": 1}, {"most": 0}]}
