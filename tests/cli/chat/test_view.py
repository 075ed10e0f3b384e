"""How a conversation looks: whole lines on a pipe, wrapped ones on a terminal, nothing that is no text."""

import io
from typing import Any

import pytest
from rich.console import Console
from terminal_screen import Screen

from taxonaut.cli.chat.script import exit_code_of, worst_outcome
from taxonaut.cli.chat.turns import BY_MODEL, TurnEnd
from taxonaut.cli.chat.view import ChatView, Flow, call_text, encodable
from taxonaut.state.updates import (
    Answered,
    ChangeMade,
    ChangeProposed,
    ItemFinished,
    Progress,
    Token,
    ToolFinished,
    ToolStarted,
    Understood,
)


def console(encoding: str = "utf-8", width: int | None = None) -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    return Console(
        file=file, width=width or 200, force_terminal=width is not None, markup=False, highlight=False
    )


def written(console: Console) -> str:
    console.file.flush()
    raw: Any = console.file
    return str(raw.buffer.getvalue().decode(raw.encoding))


TURN = (
    Understood("to label “a”"),
    ToolStarted("1", "classify", {"text": "a"}),
    Progress("items", 1, 2),
    ItemFinished("a"),  # type: ignore[arg-type]
    ToolFinished("1", "classify", "Shoes 0.50", 0.26),
    Answered("1. Shoes  0.50\n  because of [red]a\x1b[31m[/red]"),
)


def test_a_turn_in_a_pipe() -> None:
    answers, notes = console(), console()
    view = ChatView(answers, notes)
    for update in TURN:
        view.show(update)
    assert written(answers) == "1. Shoes  0.50\n  because of [red]a [31m[/red]\n"
    assert written(notes) == "understood: to label “a”\n✓ classify: Shoes 0.50  0.3 s\n"


def test_quiet_leaves_the_answer() -> None:
    answers, notes = console(), console()
    view = ChatView(answers, notes, quiet=True)
    for update in TURN:
        view.show(update)
    assert written(answers) == "1. Shoes  0.50\n  because of [red]a [31m[/red]\n"
    assert written(notes) == ""


def test_a_turn_on_a_terminal() -> None:
    one = console(width=30)
    view = ChatView(one, one)
    for update in TURN:
        view.show(update)
    view.show(Answered("  - a line that is longer than the terminal is wide"))
    screen = Screen()
    screen.feed(written(one).replace("\n", "\r\n"))
    assert screen.text() == (
        "understood: to label “a”\n✓ classify: Shoes 0.50  0.3 s\n1. Shoes  0.50\n"
        "  because of [red]a\n    [31m[/red]\n"
        "  - a line that is longer\n    than the terminal is wide"
    )


def test_a_change_and_what_a_refusal_says_twice_is_shown_once() -> None:
    one = console(width=60)
    view = ChatView(one, one)
    view.show(ToolFinished("1", "propose_category", "add Nuts under Food", 0.0))
    view.show(ChangeProposed("1", "add Nuts under Food", ("+ Food > Nuts #7", "→ a  to b"), "2"))
    view.show(ChangeMade("1", "Nuts under Food"))
    view.show(ToolFinished("2", "undo", "there is nothing", 0.0, failed=True))
    view.show(Answered("there is nothing\nat all"))
    shown = written(one)
    assert "\x1b[32m+ Food > Nuts #7" in shown
    screen = Screen()
    screen.feed(shown.replace("\n", "\r\n"))
    assert screen.lines()[:6] == [
        "✓ propose_category: add Nuts under Food  0.0 s",
        "+ Food > Nuts #7",
        "→ a  to b",
        "✓ Nuts under Food",
        "✗ undo: there is nothing  0.0 s",
        "at all",
    ]


def test_tokens_are_written_as_they_come_and_not_again() -> None:
    one = console(width=24)
    view = ChatView(one, one)
    for token in ("An ans", "wer that is ", "long\x1b[2J enough to be bro", "ken.\nAnd\tgoes on"):
        view.show(Token(token))
    view.show(Answered("An answer that is long\x1b[2J enough to be broken.\nAnd\tgoes on"))
    assert written(one) == "An answer that is long\n[2J enough to be \nbroken.\nAnd goes on\n".replace(
        "long\n", "long \n"
    )


def test_a_pipe_gets_tokens_unbroken() -> None:
    one = console()
    flow = Flow(one)
    for token in ("one tw", "o thr", "ee"):
        flow.say(token)
    flow.end()
    assert written(one) == "one two three\n"


def test_ascii() -> None:
    answers, notes = console("ascii"), console("ascii")
    view = ChatView(answers, notes)
    for update in TURN[:1] + TURN[4:5] + (Answered("“Schuhe” … für ü → 鞋"),):
        view.show(update)
    assert written(notes) == 'understood: to label "a"\nok classify: Shoes 0.50  0.3 s\n'
    assert written(answers) == '"Schuhe" ... f?r ? -> ?\n'
    assert encodable("ü ✓", "utf-8") == "ü ✓"


def test_a_call_in_a_line() -> None:
    assert (
        call_text("classify", {"text": "a " * 60, "top": 3}) == f"classify text={('a ' * 24).rstrip()}… top=3"
    )


class Waiting:
    """Turns in which a change waits that a language model proposed."""

    by_model = True

    def decide(self, yes: bool) -> TurnEnd:
        raise AssertionError("nobody said yes")


def test_yes_in_advance_does_not_count_for_a_change_that_a_model_proposed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    turns: Any = Waiting()
    assert exit_code_of(turns, TurnEnd(waits=True), yes=True) == 8
    assert capsys.readouterr().err == BY_MODEL + "\n"


def test_the_exit_code_of_several_messages() -> None:
    assert [worst_outcome(codes) for codes in ([0], [0, 8], [8, 0], [7, 0], [8, 2, 7, 0])] == [0, 8, 0, 7, 2]


def test_a_screen_reads_what_a_terminal_shows() -> None:
    screen = Screen()
    for piece in (
        "\x1b[1mone\x1b[0m\r\ntw",
        "x\bo\x1b[",
        "K\r\nspin\r\x1b[2Kthree\r\n\x1b[1A\x1b[2",
        "Kfour",
    ):
        screen.feed(piece)
    assert screen.lines() == ["one", "two", "four", ""]
