"""What an examination of templates finds, rule by rule, and that it finds nothing in the packaged ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.settings import ModelSettings
from taxonaut.prompts.examples import example
from taxonaut.prompts.library import PromptLibrary
from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.errors import NotFoundError
from taxonaut.workspace.core.config import Config, ModelsConfig
from taxonaut.workspace.prompt_lab.checks import Report, check, strays

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
BARE = "{% for option in options %}\n{{ option.id }}. {{ option.name }}\n{% endfor %}\n"
LIST = BARE + "0. none of these\n"
OFFERS = "while the schema offers 0, none of these"
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
    library.eject(name)
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


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ("{{ path }} " + CALL + " 0",
         "error context:2 3 of 3 options are on offer and not shown, such as 1, 'Shoes': "
         "the call may name them unseen"),
        ("{% for option in options[:2] %}\n{{ option.id }}. {{ option.name }}\n{% endfor %}\n0. none\n" + CALL,
         "error context:3 1 of 3 options are on offer and not shown, such as 3, 'Balls 5': "
         "the call may name them unseen"),
        ("{% for option in options %}\n- {{ option.name }}\n{% endfor %}\n0. none\n" + CALL,
         "error context:3 options stand without the numbers that the call names: 'Shoes' is 1"),
        ("{% for option in options %}\n{{ loop.index0 }}. {{ option.name }}\n{% endfor %}\n" + CALL,
         "error context:3 option 1, 'Shoes', is shown as 0: the call will mean another one"),
        (LIST + "9. all of them\n" + CALL,
         "warning context:7 9 is listed ('all of them') and the call allows 1 to 3 and 0 only"),
    ],
)  # fmt: skip
def test_options_and_schema(tmp_path: Path, context: str, message: str) -> None:
    assert found(tmp_path, context=context) == [message]


@pytest.mark.parametrize(
    "context",
    [
        LIST + CALL,
        "{% for o in options %}\n[{{ o.id }}] {{ o.name }}\n{% endfor %}\n" + CALL + " 0: none",
        "{% for o in options %}\n- {{ o.name }} ({{ o.id }})\n{% endfor %}\n" + CALL + " 0: none",
        "| {% for o in options %}{{ o.id }} {{ o.name }} | {% endfor %} 0 none of these |\n" + CALL,
        LIST + "In this order:\n1. read the text\n2. compare\n" + CALL,
        LIST + "Explain in exactly one sentence to yourself, in up to 20 words. " + CALL,
        LIST + "Call `expand_node` with `branches`: at most {{ most }}. Return 0 if you must choose nothing.",
    ],
)
def test_ways_to_show_options_that_are_fine(tmp_path: Path, context: str) -> None:
    assert found(tmp_path, context=context) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("Name up to 5 branches.", "error says 'up to 5', and the schema takes at most 2"),
        ("Choose three branches.", "error says 'Choose three', and the schema takes at most 2"),
        ("Open exactly 3.", "error says 'Open exactly 3', and the schema takes at most 2"),
        ("At most 1 branch.", "warning says 'At most 1', and the schema takes up to 2; `{{ most }}` is the number"),
        ("Pick one.", "warning says 'Pick one', and the schema takes up to 2; `{{ most }}` is the number, "
         "and fewer may be named"),
        ("Always choose something.", f"error says 'Always choose', {OFFERS}"),
        ("You must choose at least one.", f"error says 'must choose at least', {OFFERS}"),
        ("Never answer 0.", f"error says 'Never answer 0', {OFFERS}"),
        ("Do not return [0].", f"error says 'Do not return [0]', {OFFERS}"),
        ("Answer with the name of the branch.", "error says 'Answer with the name': that asks for names, and "
         "the schema takes numbers"),
        ("Reply with the letter of the branch.", "error says 'with the letter of': that asks for letters, and the "
         "schema takes numbers"),
        ('Answer {"choice": [1]}.', "error has the key 'choice', and the call has branches"),
        ("Call open_node.", "error names the tool 'open_node', which is called 'expand_node'"),
        ("Say why in `reason`.", "warning names `reason`, and the call has branches"),
    ],
)  # fmt: skip
def test_instructions_and_schema(tmp_path: Path, words: str, message: str) -> None:
    level, _, said = message.partition(" ")
    assert found(tmp_path, context=LIST + words) == [f"{level} context:7 {said}"]


def test_the_words_of_labels_and_items_are_no_instructions(tmp_path: Path) -> None:
    spoken = 'Always choose one; answer with the name, {"key": 1}. Call open_node with at most 9'
    sample = {
        **SAMPLE,
        "path": spoken,
        "text": spoken,
        "options": [{**OPTIONS[0], "description": spoken}],
        "most": 1,
    }
    assert found(tmp_path, samples=[sample], item="Text: {{ text }}!") == []


@pytest.mark.parametrize(
    ("name", "context", "messages"),
    [
        (EXPAND, BARE + CALL, ["warning system:4 nothing says that 0 means none of these, which the schema offers"]),
        ("general_expert/choose", BARE + "0. none of these", [
            "warning system:4 nothing says that -1 means that the text says too little, which the schema offers"]),
    ],
)  # fmt: skip
def test_nothing_said_about_abstaining(tmp_path: Path, name: str, context: str, messages: list[str]) -> None:
    sample = {**example(name), "options": [{**option, "path": ""} for option in OPTIONS]}
    library = edited(tmp_path, name, context=context, system="Label texts. {{ task }}")
    texts = [f"{each.level} {each.message}" for each in examined(library, name, [sample]).findings]
    assert [text for text in texts if "nothing says" in text] == [
        each.replace(" system:4", "") for each in messages
    ]


@pytest.mark.parametrize(
    ("name", "system", "message"),
    [
        ("judge/yes_no", "Judge. {{ task }}", None),
        ("navigator/expand_scored", "Category: x {{ task }} Call expand_node.",
         "warning system:3 says 'Call expand_node', and the model makes no call: "
         "the likelihood of each name is the answer"),
        ("navigator/expand_scored", "Name it. {{ task }}",
         "warning system:2 no example shows 'Category:', with which the model's answer begins"),
    ],
)  # fmt: skip
def test_templates_answered_by_likelihood(
    tmp_path: Path, name: str, system: str, message: str | None
) -> None:
    assert found(tmp_path, name, [], system=system) == ([message] if message else [])


def test_a_judge_that_is_not_asked_for_yes_or_no(tmp_path: Path) -> None:
    context = "{{ label }} {{ examples }}: how well does it fit?"
    assert found(tmp_path, "judge/yes_no", [], context=context, system="Judge. {{ task }}") == [
        "error system:5 does not ask for yes or no, whose likelihood is the answer"
    ]


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
    assert report.reader is not None
    assert (report.reader.model, report.reader.exact, report.reader.window) == (model.model, True, 4096)
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
    assert [(each.file, each.message) for each in strays(library)] == [
        ("expand.j2", f"no template is called so; for {EXPAND} it would have to be {EXPAND}.j2"),
        ("navigator/expnd.j2", f"no template is called so; for {EXPAND} it would have to be {EXPAND}.j2"),
        ("notes.txt", "no template is called so; `taxonaut prompts list` names them"),
    ]
    assert strays(PromptLibrary()) == strays(PromptLibrary(tmp_path / "gone")) == []
