"""What an examination of templates finds, rule by rule, and that it finds nothing in the packaged ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.settings import ModelSettings
from taxonaut.prompts.eject import eject
from taxonaut.prompts.library import PromptLibrary
from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.errors import NotFoundError
from taxonaut.workspace.core.config import Config, ModelsConfig
from taxonaut.workspace.prompt_lab.checks import Report, check, find_stray_files

EXPAND = "navigator/expand"
OPTIONS = [
    {"id": 1, "name": "Shoes", "description": "worn", "path": "", "examples": ["Boots"]},
    {"id": 2, "name": "Hats", "description": "", "path": "", "examples": []},
    {"id": 3, "name": "Balls 5", "description": "", "path": "", "examples": []},
]
SAMPLE: Mapping[str, Any] = {
    "task": "",
    "node": "Sports",
    "path": "Things > Sports",
    "options": OPTIONS,
    "most": 2,
    "text": "brown boots",
}
LIST = "{% for option in options %}\n{{ option.id }}. {{ option.name }}\n{% endfor %}\n0. none of these\n"
CALL = "Call expand_node with the ids of at most {{ most }} branches."


def edited(folder: Path, name: str = EXPAND, **blocks: str) -> PromptLibrary:
    """A workspace's templates, in one of which these blocks are overridden; a block begins in line 2."""
    path = folder / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = "\n".join(f"{{% block {block} %}}\n{text}\n{{% endblock %}}" for block, text in blocks.items())
    path.write_text(f'{{% extends "packaged/{name}.j2" %}}\n{texts}\n')
    return PromptLibrary(folder)


def examined(
    library: PromptLibrary,
    name: str = EXPAND,
    samples: Sequence[Any] = (SAMPLE,),
    config: Config | None = None,
) -> Report:
    """What is found out about one template."""
    return check(library, {name: list(samples)}, config or Config(), [name])[0]


def found(folder: Path, name: str = EXPAND, samples: Sequence[Any] = (SAMPLE,), **blocks: str) -> list[str]:
    """The findings about these blocks, but that a variable is unused."""
    report = examined(edited(folder, name, **blocks), name, samples)
    return [
        f"{each.level} {each.block}:{each.line} {each.message}"
        for each in report.findings
        if each.rule != "unused variable"
    ]


def test_nothing_is_found_in_the_packaged_templates() -> None:
    reports = check(PromptLibrary(), {}, Config())
    assert [(report.name, report.findings, report.edited) for report in reports] == [
        (name, (), False) for name in sorted(VARIABLES)
    ]


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_nothing_is_found_in_a_copy_of_each(tmp_path: Path, name: str) -> None:
    library = PromptLibrary(tmp_path)
    eject(library, name)
    report = examined(library, name, [])
    assert (report.edited, report.samples, report.findings) == (True, 0, ())
    assert [length.tokens == length.packaged for length in report.lengths] == [True] * 3


def test_edited_templates_come_first(tmp_path: Path) -> None:
    reports = check(edited(tmp_path, item="{{ text }}"), {}, Config())
    assert [report.name for report in reports[:2]] == [EXPAND, sorted(VARIABLES)[0]]
    with pytest.raises(NotFoundError, match="there is no template 'navigator/guess'"):
        check(PromptLibrary(), {}, Config(), ["navigator/guess"])


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            {"system": "a\n{{ optoins }}"},
            "error system:4 `optoins` is no variable of this template; did you mean `options`? "
            "it has most, node, options, path, task, text",
        ),
        (
            {"system": "{% if path == '' %}{{ nod }}{% endif %}"},
            "error system:3 `nod` is no variable of this template; did you mean `node`? "
            "it has most, node, options, path, task, text",
        ),
        (
            {"context": LIST + CALL + "{{ text }}"},
            "error context:7 `text` is the item's text, which stands in the block item only: here all items would "
            "have to share it",
        ),
        (
            {"item": "{{ text }} {{ node }}"},
            "error item:3 `node` is not given to the block item, which has `text` alone; move it to context",
        ),
        (
            {"context": LIST + CALL + "{{ options[0].nam }}"},
            "error context:7 'dict object' has no attribute 'nam' (navigator/expand.j2, line 7)",
        ),
        (
            {"context": LIST + CALL + "{{ most / 0 }}"},
            "error context:7 division by zero (navigator/expand.j2, line 7)",
        ),
    ],
)
def test_undefined_variables(tmp_path: Path, blocks: dict[str, str], message: str) -> None:
    assert message in found(tmp_path, **blocks)


def test_unused_variables(tmp_path: Path) -> None:
    report = examined(edited(tmp_path, context=LIST + "Call expand_node."))
    assert [(each.level, each.block, each.message) for each in report.findings] == [
        (
            "warning",
            "context",
            f"`{name}` is not used; the packaged template has it here, so the model is told less",
        )
        for name in ("path", "most")
    ]


def test_a_template_that_is_none(tmp_path: Path) -> None:
    library = edited(tmp_path, system="{% if %}")
    (finding,) = examined(library).findings
    assert (finding.level, finding.file, finding.line) == ("error", "navigator/expand.j2", 3)
    assert (
        finding.message == "navigator/expand.j2, line 3: Expected an expression, got 'end of statement block'"
    )


def test_an_undefined_variable_is_reported_once(tmp_path: Path) -> None:
    assert found(tmp_path, context=LIST + CALL + "\n{{ optoins[0] / 0 }}") == [
        "error context:8 `optoins` is no variable of this template; did you mean `options`? "
        "it has most, node, options, path, task, text"
    ]


def test_a_sample_that_lacks_a_variable_is_not_rendered(tmp_path: Path) -> None:
    sample = {name: value for name, value in SAMPLE.items() if name != "most"}
    assert found(tmp_path, samples=[sample], context=LIST + CALL) == []


@pytest.mark.parametrize(
    "words",
    [
        "Always choose exactly 99 of them, never answer 0.",
        'Answer with the name, as {"choice": "Shoes"}. Call open_node.',
        "Say why in `reason`.",
    ],
)
def test_instructions_are_not_judged(tmp_path: Path, words: str) -> None:
    assert found(tmp_path, context=LIST + words) == []


def test_a_system_that_differs_from_node_to_node(tmp_path: Path) -> None:
    library = edited(
        tmp_path, system="Find labels.\nYou are at {{ path }}.\nOpen what fits, or answer [0]. {{ task }}"
    )
    (finding,) = examined(library).findings
    assert (finding.level, finding.rule, finding.line) == ("warning", "sharing", 4)
    assert finding.message == (
        "`path` differs from node to node, so `system` is no longer shared by all of them: 12 of its 18 tokens are "
        "read again each time; put it into context"
    )


def test_instructions_for_every_item(tmp_path: Path) -> None:
    words = (
        "Think about what the text says and what it is mainly made for, not about what it merely mentions. "
        * 2
    )
    assert found(tmp_path, item=words + "{{ text }}") == [
        "warning item:2 49 tokens of `item` are the same for every item (2 in the packaged one) and read again for "
        "each; in system they are read once a run"
    ]


def test_lengths_as_the_model_counts_them(tmp_path: Path) -> None:
    model = ModelSettings(model="gguf/smollm2-135m-instruct")
    config = Config(models=ModelsConfig(navigator=model))
    library = edited(tmp_path, item="Read this text: {{ text }}")
    report = examined(library, config=config)
    assert report.counter is not None
    assert (report.counter.model, report.counter.exact, report.counter.window) == (model.model, True, 4096)
    assert [(each.block, each.tokens - each.packaged) for each in report.lengths] == [
        ("system", 0), ("context", 0), ("item", 2)
    ]  # fmt: skip
    long = {**SAMPLE, "text": "boots " * 5_000}
    (finding,) = examined(library, samples=[long], config=config).findings
    assert (finding.level, finding.rule) == ("error", "length")
    assert finding.message.endswith("tokens, and the window of gguf/smollm2-135m-instruct 4,096")


def test_files_that_no_agent_reads(tmp_path: Path) -> None:
    library = edited(tmp_path, item='{% include "house.j2" %}{{ text }}')
    for file in (
        "house.j2",
        "expand.j2",
        "navigator/expnd.j2",
        "notes.txt",
        ".hidden",
        "navigator/expand.j2~",
    ):
        (tmp_path / file).write_text("")
    assert [(each.file, each.message) for each in find_stray_files(library)] == [
        ("expand.j2", f"no template is called so; for {EXPAND} it would have to be {EXPAND}.j2"),
        ("navigator/expnd.j2", f"no template is called so; for {EXPAND} it would have to be {EXPAND}.j2"),
        ("notes.txt", "no template is called so; `taxonaut prompts list` names them"),
    ]
    assert find_stray_files(PromptLibrary()) == find_stray_files(PromptLibrary(tmp_path / "gone")) == []
