"""Templates reach no Python and no file, and their output has a limit."""

import time
from pathlib import Path

import pytest

from taxonaut.prompts.library import PromptLibrary
from taxonaut.prompts.sandbox import LONGEST_OUTPUT
from taxonaut.prompts.variables import EXAMPLES, example_variables
from taxonaut.state.errors import TemplateError

EXPAND = "navigator/expand"
WAY_OUT = "; edit the template, or delete it to return to the packaged one"


def own(folder: Path, context: str) -> PromptLibrary:
    """A workspace's templates, one of which has this context, in its second line."""
    path = folder / "navigator" / "expand.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '{% extends "packaged/navigator/expand.j2" %}\n{% block context %}' + context + "{% endblock %}\n"
    )
    return PromptLibrary(folder)


def refused(folder: Path, context: str) -> str:
    """Render a context, which takes no time, and return what is wrong with it."""
    started = time.monotonic()
    with pytest.raises(TemplateError) as caught:
        own(folder, context).get(EXPAND).render("context", EXAMPLES[EXPAND])
    assert time.monotonic() - started < 5
    return str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ options.__class__.__base__.__subclasses__() }}",
        "{{ options[0].__getitem__.__globals__ }}",
        "{{ options.append(1) }}",
        "{{ options[0].update({'name': 'x'}) }}",
        "{{ options[0].pop('name') }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ range.__self__ }}",
        "{{ '{0.__class__}'.format(node) }}",
        "{{ '{0.__class__}'.format_map({'0': node}) }}",
        "{{ node | attr('format') | attr('__self__') }}",
        "{{ options | map(attribute='__class__') | join }}",
        "{% set n = namespace() %}{% set n.__class__ = 1 %}{{ n.__init__.__globals__ }}",
    ],
)
def test_no_python(tmp_path: Path, expression: str) -> None:
    before = [dict(option) for option in EXAMPLES[EXPAND]["options"]]
    message = refused(tmp_path, expression)
    assert message.startswith("the block 'context' of the template 'navigator/expand' cannot be rendered: ")
    assert message.endswith(" (navigator/expand.j2, line 2)" + WAY_OUT)
    assert before == EXAMPLES[EXPAND]["options"]


@pytest.mark.parametrize(
    "file",
    ["/etc/passwd", "../../x", "../taxonaut.toml", "navigator/../../taxonaut.toml", "/../taxonaut.toml"],
)
@pytest.mark.parametrize("statement", ["include", "import"])
def test_no_file_outside_the_folder(tmp_path: Path, file: str, statement: str) -> None:
    (tmp_path / "taxonaut.toml").write_text("secret")
    ending = " as it" if statement == "import" else ""
    message = refused(tmp_path / "prompts", f'{{% {statement} "{file}"{ending} %}}')
    assert f"there is no template {file} to extend or include" in message
    assert "secret" not in message


def test_nothing_outside_the_folder_is_extended(tmp_path: Path) -> None:
    path = tmp_path / "prompts" / "navigator" / "expand.j2"
    path.parent.mkdir(parents=True)
    (tmp_path / "taxonaut.toml").write_text("secret")
    path.write_text('{% extends "../taxonaut.toml" %}')
    with pytest.raises(TemplateError, match=r"there is no template \.\./taxonaut\.toml to extend or include"):
        PromptLibrary(tmp_path / "prompts").get(EXPAND)


def test_python_files_beside_the_packaged_templates_are_none(tmp_path: Path) -> None:
    assert "there is no template library.py" in refused(tmp_path, '{% include "library.py" %}')


def test_what_is_included_is_named_in_quotes(tmp_path: Path) -> None:
    assert "navigator/expand.j2 names a template without quotes" in refused(tmp_path, "{% include node %}")


@pytest.mark.parametrize("deep", [False, True])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, deep: bool) -> None:
    elsewhere, prompts = tmp_path / "elsewhere", tmp_path / "prompts"
    elsewhere.mkdir()
    prompts.mkdir()
    (elsewhere / "expand.j2").write_text("secret")
    if deep:
        (prompts / "navigator").symlink_to(elsewhere)
    else:
        (prompts / "navigator").mkdir()
        (prompts / "navigator" / "expand.j2").symlink_to(elsewhere / "expand.j2")
    with pytest.raises(TemplateError) as caught:
        PromptLibrary(prompts).get(EXPAND)
    assert f"is a link out of {str(prompts)!r}; put a copy of its target there" in str(caught.value)
    with pytest.raises(TemplateError):
        PromptLibrary(prompts).text(EXPAND)


def test_a_link_within_the_folder_and_a_linked_folder_are_fine(tmp_path: Path) -> None:
    library = own(tmp_path / "real", "{% include 'house.j2' %}")
    (tmp_path / "real" / "other.j2").write_text("of the house")
    (tmp_path / "real" / "house.j2").symlink_to(tmp_path / "real" / "other.j2")
    (tmp_path / "prompts").symlink_to(tmp_path / "real")
    for folder in (library, PromptLibrary(tmp_path / "prompts")):
        assert folder.get(EXPAND).render("context", EXAMPLES[EXPAND]) == "of the house"


@pytest.mark.parametrize(
    "context",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ 'x' * 100 }}{% endfor %}{% endfor %}",
        "{{ 'a' * 100000000 }}",
        "{{ 100000000 * 'a' }}",
        "{% set x = 'a' * 500000 %}{{ x ~ x ~ x }}",
        "{% set x = 'a' * 500000 %}{{ x + x + x }}",
        "{{ ('a' * 900000) | replace('a', 'bbb') }}",
        "{{ range(99999) | join('a' * 1000) }}",
        "{{ ('a\n' * 1000) | indent(100000) }}",
        "{% set x = 'a' * 999999 %}{{ x }}{{ x }}",
        "{% set x = ['a' * 999999] * 99999 %}{{ x }}",
        "{% set x = ['a' * 999999] * 99999 %}{{ x | string }}",
        "{% set x = ['a' * 999999] * 99999 %}{{ x | join }}",
        "{% set x = ['a' * 999999] * 99999 %}{{ ''.join(x) }}",
        "{% set x = ['a' * 999999] * 99999 %}{{ 'y' ~ x }}",
        "{{ ('a' * 999999).replace('a', 'b' * 999999) }}",
        "{{ ('a' * 999999).replace('', 'b' * 999999) }}",
        "{{ ['a' * 999999] | map('replace', 'a', 'b' * 999999) | list | length }}",
        "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x=['a']) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x=['a']) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
        "{% set x %}{% for i in range(99999) %}" + "literal" * 100 + "{% endfor %}{% endset %}",
        "{% macro m() %}{% for i in range(99999) %}"
        + "literal" * 100
        + "{% endfor %}{% endmacro %}{{ m() | length }}",
    ],
)
def test_too_long(tmp_path: Path, context: str) -> None:
    assert LONGEST_OUTPUT == 1_000_000
    message = refused(tmp_path, context)
    assert "the text becomes longer than 1,000,000 characters (navigator/expand.j2, line " in message


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("{{ range(10 ** 9) }}", "Range too big"),
        ("{{ 'a' * 10 ** 15 }}", "longer than 1,000,000 characters"),
        ("{{ 9 ** 99999 }}", "the number becomes too large"),
        (
            "{% set n = namespace(x=9 ** 1000) %}{% for i in range(20) %}{% set n.x = n.x * n.x %}{% endfor %}",
            "too large",
        ),
        ("{{ 3.5 | round(1000000) }}", "1000000 is too large for 'round'"),
        ("{{ 'x' | truncate(10 ** 9) }}", "is too large for 'truncate'"),
        ("{{ options | list | tojson(indent=1000) }}", "1000 is too large for 'tojson'"),
        ("{{ lipsum(1000) }}", "'lipsum' is undefined"),
        ("{{ node | random }}", "No filter named 'random'"),
    ],
)
def test_too_large_or_not_deterministic(tmp_path: Path, expression: str, words: str) -> None:
    assert words in refused(tmp_path, expression)


@pytest.mark.parametrize(
    "context",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) if a < 0 %}{% endfor %}" * 50,
        "{% set x = 'a' * 999999 %}{% for a in range(99999) %}{% set y = x | upper %}{% endfor %}",
        "{% set x = 'a' * 999999 %}{% for a in range(99999) %}{% set y = x.upper() %}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
        "{% for x in [[1]] recursive %}{{ loop(x) if x is iterable and loop.depth < 50 }}"
        "{{ loop([[1], [1]]) if loop.depth < 50 }}{% endfor %}",
    ],
)
def test_work_has_a_limit(tmp_path: Path, context: str) -> None:
    message = refused(tmp_path, context)
    assert "it takes too long; loop over less (navigator/expand.j2, line 2)" in message


def test_including_again_and_again_has_a_limit(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"f{number}.j2").write_text(f'{{% include "f{number + 1}.j2" %}}' * 2)
    (tmp_path / "f40.j2").write_text("")
    assert "it takes too long" in refused(tmp_path, '{% include "f0.j2" %}')


@pytest.mark.parametrize(
    "value",
    [
        "range", "'x'.upper", "node.upper", "[range]", "{'a': range}", "options | map(attribute='name')", "self.item",
        "namespace()", "cycler('a')", "dict", "joiner()",
    ],
)  # fmt: skip
def test_what_prints_an_address_is_refused(tmp_path: Path, value: str) -> None:
    for shown in (f"{{{{ {value} }}}}", f"{{{{ '' ~ ({value}) }}}}", f"{{{{ ({value}) | string }}}}"):
        message = refused(tmp_path, shown)
        assert "cannot be written as text (navigator/expand.j2, line 2)" in message
        assert "0x" not in message


@pytest.mark.parametrize(
    "call",
    [
        "'x'.encode()",
        "'x'.zfill(9999999)",
        "'x'.center(9999999)",
        "'{:9999999}'.format(1)",
        "(5).to_bytes(9999999)",
    ],
)
def test_methods_that_prompts_do_not_need_are_refused(tmp_path: Path, call: str) -> None:
    assert "cannot be called in a template" in refused(tmp_path, f"{{{{ {call} }}}}")


@pytest.mark.parametrize("filter_", ["center(9)", "wordwrap(1)", "format(1)", "pprint", "xmlattr", "urlize"])
def test_filters_that_prompts_do_not_need_are_gone(tmp_path: Path, filter_: str) -> None:
    assert "No filter named" in refused(tmp_path, f"{{{{ node | {filter_} }}}}")


def test_texts_are_not_formatted_with_percent(tmp_path: Path) -> None:
    assert "texts are put together with ~" in refused(tmp_path, "{{ '%99999999d' % 1 }}")


@pytest.mark.parametrize(
    "context",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{{ 1" + " | abs" * 5000 + " }}",
        "{{ 1" + "+1" * 5000 + " }}",
        "{% if 1 %}" * 5000 + "{% endif %}" * 5000,
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "[" * 150 + "]" * 150 + " }}",
    ],
)
def test_nesting_has_a_limit(tmp_path: Path, context: str) -> None:
    assert "nested too deeply" in refused(tmp_path, context)


def test_a_filter_that_fails_is_an_error_of_the_template(tmp_path: Path) -> None:
    message = refused(tmp_path, "{{ 'a long text' | truncate(3, end='......') }}")
    assert "cannot be rendered: " in message
    assert "(navigator/expand.j2, line 2)" in message


def test_long_texts_are_cut(tmp_path: Path) -> None:
    """A text of any length may be cut; only what is made has a limit."""
    library = own(tmp_path, "{{ node | truncate(10, true) }} {{ node[:3] }} {{ node | length }}")
    rendered = library.get(EXPAND).render("context", {**EXAMPLES[EXPAND], "node": "a" * 20_000_000})
    assert rendered == "aaaaaaa... aaa 20000000"


def test_a_template_as_large_as_no_prompt_is(tmp_path: Path) -> None:
    library = own(tmp_path, "")
    library.path(EXPAND).write_text("a" * 1_000_001)
    with pytest.raises(TemplateError, match="is larger than 1,000,000 bytes"):
        library.get(EXPAND)


def test_what_prompts_need_still_works(tmp_path: Path) -> None:
    source = (
        "{% macro line(o) %}{{ o.id }}: {{ o.name | upper }}{% endmacro %}"
        "{% for o in options if o.examples %}{{ line(o) }}{{ ', ' if not loop.last }}{% endfor %}"
        "{% set shown = namespace(n=0) %}{% for o in options %}{% set shown.n = shown.n + 1 %}{% endfor %}"
        " {{ shown.n }} of {{ options | length }} {{ node ~ '!' ~ most }} "
        "{{ options | map(attribute='name') | join(' ') }} "
        "{{ options | join('+', attribute='id') }} {{ node | replace('S', 's') }} {{ 3 % 2 }} {{ [1] + [2] }}"
    )
    rendered = own(tmp_path, source).get(EXPAND).render("context", EXAMPLES[EXPAND])
    assert rendered == "1: SHOES, 3: BALLS 3 of 3 Sports!2 Shoes Hats Balls 1+2+3 sports 1 [1, 2]"


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_template_has_an_example_with_a_text(name: str) -> None:
    assert example_variables(name)["text"]


def test_an_error_says_in_which_file_and_line_it_is(tmp_path: Path) -> None:
    (tmp_path / "house.j2").write_text("one\ntwo {{ nothing }}\n")
    library = own(tmp_path, '\n{% include "house.j2" %}')
    with pytest.raises(TemplateError) as caught:
        library.get(EXPAND).render("context", EXAMPLES[EXPAND])
    assert (caught.value.file, caught.value.line) == ("house.j2", 2)
    with pytest.raises(TemplateError) as caught:
        own(tmp_path, "\n{% if %}").get(EXPAND)
    assert (caught.value.file, caught.value.line) == ("navigator/expand.j2", 3)


def test_a_saved_template_counts_at_once(tmp_path: Path) -> None:
    library = PromptLibrary(tmp_path)
    packaged = library.get(EXPAND)
    edited = own(tmp_path, "mine")
    assert library.get(EXPAND).render("context", {}) == "mine"
    edited.path(EXPAND).write_text(edited.text(EXPAND).replace("mine", "ours"))
    assert library.get(EXPAND).render("context", {}) == "ours"
    edited.path(EXPAND).unlink()
    assert library.get(EXPAND).hash == packaged.hash
