"""The template library: what templates may use, whose copy wins, what is refused, what is the same."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from taxonaut.prompts.eject import eject
from taxonaut.prompts.files import PACKAGED
from taxonaut.prompts.library import BLOCKS, PromptLibrary
from taxonaut.prompts.variables import EXAMPLES, VARIABLES, example_item
from taxonaut.state.errors import InputError, NotFoundError

HERE = Path(__file__).parent
EXPAND = "navigator/expand"

ITEM = {"text": "wireless earbuds"}
HEADS = {
    "annotator/assign_items": "Items:\n",
    "annotator/assign_labels": "Labels:\n",
    "annotator/propose_change": "Items without a descriptor:\n",
    "architect/improve_instructions": "Cases:\n",
    "architect/propose_centres": "Labels:\n",
    "architect/propose_descriptors": "Items:\n",
    "architect/review_changes": "Proposals:\n",
    "assistant/converse": "",
    "general_expert/define": "Products in it:\n",
    **dict.fromkeys(("general_expert/choose", "general_expert/order", "general_expert/think"), "Product: "),
}
"""What stands before the text in the item block of a template; `Text: ` in the others."""


def rendered(library: PromptLibrary, name: str) -> str:
    """All blocks of a template, each under its name."""
    prompt = library.get(name)
    item = {**example_item(name), **ITEM}
    given = {"system": EXAMPLES[name], "context": EXAMPLES[name], "item": item}
    return "".join(f"== {block} ==\n{prompt.render(block, given[block])}\n" for block in BLOCKS)


def own(folder: Path, source: str, name: str = EXPAND) -> PromptLibrary:
    """A library over a workspace's folder that holds one template."""
    path = folder / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return PromptLibrary(folder)


def blocks(system: str = "s", context: str = "c", item: str = "{{ text }}") -> str:
    return (
        f"{{% block system %}}{system}{{% endblock %}}{{% block context %}}{context}{{% endblock %}}"
        f"{{% block item %}}{item}{{% endblock %}}"
    )


def test_every_packaged_template_is_declared_and_the_other_way_round() -> None:
    files = {str(path.relative_to(PACKAGED).with_suffix("")) for path in PACKAGED.glob("*/*.j2")}
    assert files == set(VARIABLES) == set(EXAMPLES) == set(PromptLibrary().names())


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_golden_renderings(name: str) -> None:
    expected = (HERE / f"{name.replace('/', '_')}.txt").read_text(encoding="utf-8")
    assert rendered(PromptLibrary(), name) == expected


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_template_uses_exactly_its_declared_variables(name: str) -> None:
    tree = ImmutableSandboxedEnvironment().parse((PACKAGED / f"{name}.j2").read_text(encoding="utf-8"))
    assert find_undeclared_variables(tree) <= set(get_type_hints(VARIABLES[name]))
    declared = set(get_type_hints(VARIABLES[name]))
    assert set(EXAMPLES[name]) | set(example_item(name)) == declared


@pytest.mark.parametrize("name", sorted(VARIABLES))
@pytest.mark.parametrize("block", ["system", "context"])
def test_the_shared_blocks_render_without_an_item(name: str, block: str) -> None:
    PromptLibrary().get(name).render(block, EXAMPLES[name])


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_the_item_block_needs_the_text_and_nothing_else(name: str) -> None:
    prompt = PromptLibrary().get(name)
    more = {variable: [] for variable in example_item(name) if variable != "text"}
    assert prompt.render("item", {**ITEM, **more}) == f"{HEADS.get(name, 'Text: ')}wireless earbuds"
    for missing in (*ITEM, *more):
        given = {variable: value for variable, value in {**ITEM, **more}.items() if variable != missing}
        with pytest.raises(
            InputError,
            match=rf"the block 'item' of the template .* cannot be rendered: '{missing}' is undefined",
        ):
            prompt.render("item", given)


@pytest.mark.parametrize(
    "text", ["{{ 7 * 7 }}", "{% block system %}", "{# gone #}", "{{ self.__class__ }}", "a\nb", "🧦 שלום", ""]
)
def test_an_item_s_text_is_never_read_as_a_template(text: str) -> None:
    assert PromptLibrary().get(EXPAND).render("item", {"text": text}) == f"Text: {text}".strip()


def test_the_workspace_s_copy_wins(tmp_path: Path) -> None:
    library = own(tmp_path, blocks(system="mine"))
    assert library.get(EXPAND).render("system", {}) == "mine"
    assert (library.where(EXPAND), library.where("general_expert/rank")) == ("workspace", "packaged")
    assert library.text(EXPAND) == blocks(system="mine")
    assert library.path(EXPAND) == tmp_path / "navigator" / "expand.j2"


def test_one_block_can_be_replaced_and_the_former_one_be_used_in_it(tmp_path: Path) -> None:
    library = own(
        tmp_path,
        '{% extends "packaged/navigator/expand.j2" %}\n'
        "{% block system %}{{ super() }}Answer in a hurry.{% endblock %}",
    )
    packaged = rendered(PromptLibrary(), EXPAND)
    system = packaged.split("== context ==")[0].rstrip()
    assert rendered(library, EXPAND) == packaged.replace(system, f"{system}\nAnswer in a hurry.")


def test_templates_may_extend_templates_that_extend(tmp_path: Path) -> None:
    (tmp_path / "house.j2").write_text(
        '{% extends "packaged/navigator/expand.j2" %}{% block item %}Title: {{ text }}{% endblock %}'
    )
    library = own(tmp_path, '{% extends "house.j2" %}{% block system %}Hello.{% endblock %}')
    prompt = library.get(EXPAND)
    assert (prompt.render("system", {}), prompt.render("item", ITEM)) == ("Hello.", "Title: wireless earbuds")
    assert prompt.render("context", EXAMPLES[EXPAND]).startswith("You are at: Things > Sports")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ options.append(1) }}", "unsafe"),
        ("{{ text.__init__.__globals__ }}", "unsafe"),
        ("{{ cycler.__init__.__globals__.os }}", "unsafe"),
        ("{{ range(10 ** 9) | list }}", "Range too big"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 1 + 'a' }}", "unsupported operand"),
        ("{{ options.nothing.more }}", "has no attribute 'nothing'"),
        ("{{ nothing }}", "'nothing' is undefined"),
    ],
)
def test_what_a_template_must_not_do(tmp_path: Path, expression: str, words: str) -> None:
    prompt = own(tmp_path, blocks(context=expression)).get(EXPAND)
    with pytest.raises(InputError) as caught:
        prompt.render("context", {**EXAMPLES[EXPAND], **ITEM})
    message = str(caught.value)
    assert message.startswith("the block 'context' of the template 'navigator/expand' cannot be rendered: ")
    assert words in message
    assert message.endswith("; edit the template, or delete it to return to the packaged one")


def test_an_item_s_text_in_a_shared_block_is_refused(tmp_path: Path) -> None:
    prompt = own(tmp_path, blocks(context="{{ text }}")).get(EXPAND)
    with pytest.raises(InputError, match="cannot be rendered: 'text' is undefined"):
        prompt.render("context", EXAMPLES[EXPAND])


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{% block system %}", "navigator/expand.j2, line 1: Unexpected end of template"),
        ("{% block system %}s{% endblock %}", "it has no block 'context', 'item'"),
        (blocks(system="{% frobnicate %}"), "navigator/expand.j2, line 1: Encountered unknown tag 'frobnicate'"),
        ('{% extends "gone.j2" %}', "there is no template gone.j2 to extend or include"),
        (blocks(system='{% include "/etc/passwd" %}'), "there is no template /etc/passwd to extend or include"),
        (blocks(system='{% include "../taxonaut.toml" %}'), "there is no template ../taxonaut.toml to extend or"),
        ("{% extends node %}", "it must extend one template, named in quotes"),
        ('{% extends "navigator/expand.j2" %}', "it extends itself; extend the packaged one: {% extends \"packaged/"),
        (blocks(system="{{ 'a' | frobnicate }}"), "No filter named 'frobnicate'"),
    ],
)  # fmt: skip
def test_templates_that_cannot_be_used(tmp_path: Path, source: str, problem: str) -> None:
    (tmp_path.parent / "taxonaut.toml").touch()
    library = own(tmp_path, source)
    with pytest.raises(InputError) as caught:
        library.get(EXPAND)
    message = str(caught.value)
    assert message.startswith(
        f"the workspace template 'navigator/expand' ({tmp_path / 'navigator' / 'expand.j2'}) is not valid: "
    )
    assert problem in message
    assert message.endswith("; edit it, or delete it to return to the packaged one")


def test_a_template_that_is_not_utf_8(tmp_path: Path) -> None:
    library = own(tmp_path, blocks())
    library.path(EXPAND).write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"navigator/expand\.j2 is not UTF-8 \(invalid start byte\)"):
        library.get(EXPAND)


@pytest.mark.parametrize("ask", [PromptLibrary.get, PromptLibrary.text, eject])
def test_a_template_that_there_is_not(tmp_path: Path, ask: Any) -> None:
    with pytest.raises(NotFoundError) as caught:
        ask(PromptLibrary(tmp_path), "navigator/guess")
    assert str(caught.value) == (
        "there is no template 'navigator/guess'; there are: " + ", ".join(sorted(VARIABLES))
    )


def test_ejecting(tmp_path: Path) -> None:
    library = PromptLibrary(tmp_path)
    before = library.hash(EXPAND)
    target = eject(library, EXPAND)
    assert target == tmp_path / "navigator" / "expand.j2"
    assert target.read_text(encoding="utf-8") == (PACKAGED / "navigator" / "expand.j2").read_text(
        encoding="utf-8"
    )
    assert (library.hash(EXPAND), library.where(EXPAND)) == (before, "workspace")
    with pytest.raises(InputError, match="exists; edit it, or delete it to return to the packaged template"):
        eject(library, EXPAND)


def test_ejecting_without_a_workspace() -> None:
    with pytest.raises(InputError, match="give one with --workspace DIR"):
        eject(PromptLibrary(), EXPAND)


def test_the_hash_is_the_text_s_and_that_of_all_it_rests_on(tmp_path: Path) -> None:
    packaged = PromptLibrary().hash(EXPAND)
    library = own(tmp_path, '{% extends "house.j2" %}')
    (tmp_path / "house.j2").write_text(blocks(item='{% include "tail.j2" %}'))
    (tmp_path / "tail.j2").write_text("one")
    hashes = [packaged, library.hash(EXPAND)]
    (tmp_path / "tail.j2").write_text("two")
    hashes.append(library.hash(EXPAND))
    (tmp_path / "house.j2").write_text(blocks(system="!", item='{% include "tail.j2" %}'))
    hashes.append(library.hash(EXPAND))
    assert len(set(hashes)) == 4
    assert library.hash(EXPAND) == hashes[-1] == library.get(EXPAND).hash
    assert all(len(each) == 12 for each in hashes)


def test_a_template_that_includes_itself_has_a_hash(tmp_path: Path) -> None:
    library = own(tmp_path, blocks(system='{% include "navigator/expand.j2" %}'))
    assert len(library.hash(EXPAND)) == 12
    with pytest.raises(InputError, match="cannot be rendered: "):
        library.get(EXPAND).render("system", EXAMPLES[EXPAND])
