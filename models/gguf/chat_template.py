"""Render conversations with a model's chat template; message texts cannot inject special tokens."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from taxonaut.state.errors import ModelError

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The default template, for files without one."""

Message = Mapping[str, str]
"""`role` and `content`."""

_MARK = "\ue000{}\ue001"
_MARKED = re.compile("\ue000(\\d+)\ue001")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt. `content` is the number of its message, or None for the template's text.

    Only the template's text may contain special tokens.
    """

    text: str
    content: int | None


class ChatTemplate:
    """A model's template, rendered in a sandbox, because it comes with the weights and is untrusted."""

    def __init__(self, source: str | None, bos: str = "", eos: str = "") -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals.update(raise_exception=_raise, strftime_now=_now, bos_token=bos, eos_token=eos)
        try:
            self._template = environment.from_string(source or CHATML)
        except TemplateError as error:
            raise ModelError(
                f"the model's chat template cannot be read ({error}); give another model"
            ) from error

    def pieces(self, messages: Sequence[Message]) -> list[Piece]:
        """Render up to the start of the assistant's answer.

        The template sees placeholders, which are replaced by the contents afterwards, so that no content can end its
        message. If a template has no system role, that text is put before the first user message.
        """
        contents = [message["content"] for message in messages]
        marked = [
            {"role": message["role"], "content": _MARK.format(number)}
            for number, message in enumerate(messages)
        ]
        try:
            rendered = self._render(marked)
        except TemplateError:
            rendered = self._render_or_say(_without_system(marked))
        pieces = []
        for place, part in enumerate(_MARKED.split(rendered)):
            if place % 2:
                pieces.append(Piece(contents[int(part)], int(part)))
            elif part:
                pieces.append(Piece(part, None))
        return pieces

    def _render_or_say(self, messages: list[dict[str, str]]) -> str:
        try:
            return self._render(messages)
        except TemplateError as error:
            raise ModelError(f"the model's chat template refuses these messages ({error})") from error

    def _render(self, messages: list[dict[str, str]]) -> str:
        rendered: str = self._template.render(messages=messages, add_generation_prompt=True)
        return rendered


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Move the system text to the start of the first user message."""
    head = [message["content"] for message in messages if message["role"] == "system"]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    if head and rest:
        rest[0]["content"] = "\n\n".join([*head, rest[0]["content"]])
    return rest


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(format: str) -> Any:
    """Return a fixed date: with today's, prompts would change daily and miss the cache."""
    return datetime.date(2026, 1, 1).strftime(format)
