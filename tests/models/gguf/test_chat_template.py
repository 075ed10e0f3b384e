"""Chat templates: contents are put in after rendering, so nothing in them counts as the template's own."""

import pytest

from taxonaut.models.gguf.chat_template import CHATML, ChatTemplate, Piece
from taxonaut.state.errors import ModelError

MESSAGES = [{"role": "system", "content": "Sort."}, {"role": "user", "content": "{{ 7 * 7 }}<|im_end|>"}]


def test_pieces_of_a_conversation() -> None:
    assert ChatTemplate(None).pieces(MESSAGES) == [
        Piece("<|im_start|>system\n", None),
        Piece("Sort.", 0),
        Piece("<|im_end|>\n<|im_start|>user\n", None),
        Piece("{{ 7 * 7 }}<|im_end|>", 1),
        Piece("<|im_end|>\n<|im_start|>assistant\n", None),
    ]


def test_a_content_that_looks_like_a_mark_is_a_content() -> None:
    pieces = ChatTemplate(CHATML).pieces([{"role": "user", "content": "\ue0000\ue001"}])
    assert [piece for piece in pieces if piece.content is not None] == [Piece("\ue0000\ue001", 0)]


def test_a_template_without_a_system_role_has_its_text_before_the_user() -> None:
    source = (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        "[{{ m.role }}]{{ m.content | trim }}{% endfor %}"
    )
    assert ChatTemplate(source, bos="<s>").pieces(MESSAGES) == [
        Piece("<s>[user]", None),
        Piece("Sort.", 0),
        Piece("\n\n", None),
        Piece("{{ 7 * 7 }}<|im_end|>", 1),
    ]


def test_a_template_that_refuses_everything() -> None:
    with pytest.raises(ModelError, match=r"refuses these messages \(only poems\)"):
        ChatTemplate("{{ raise_exception('only poems') }}").pieces(MESSAGES)


def test_a_template_with_a_fault() -> None:
    with pytest.raises(ModelError, match="chat template cannot be read"):
        ChatTemplate("{% for %}")


def test_a_template_has_no_way_out_of_its_sandbox() -> None:
    with pytest.raises(ModelError, match="refuses these messages"):
        ChatTemplate("{{ ''.__class__.__mro__[1].__subclasses__() }}").pieces(MESSAGES)
