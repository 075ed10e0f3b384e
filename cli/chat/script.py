"""Conversations of scripts: `--once`, and messages from standard input, one a line."""

import io
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence

from taxonaut.cli.chat.commands import LEAVING, run_own_command
from taxonaut.cli.chat.talk import Talk
from taxonaut.cli.chat.turns import BY_MODEL, TurnEnd, Turns
from taxonaut.cli.chat.view import ChatView, JsonView, View
from taxonaut.cli.shared.exit_codes import OK, REFUSED, WAITS, report, say
from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import err, out

COMMENT = "#"
UNSEEN = (
    "not made: a language model proposed this after the messages were written, so none of them confirms it; "
    "look at it, and say yes afterwards"
)
DEFAULT_THREAD = "default"


def run_script(session: Session, talk: Talk, messages: Iterable[str], *, yes: bool, json: bool) -> int:
    """Take the messages one by one and return the exit code of the worst; nobody is asked anything."""
    place = Script(session, talk, script_view(session, json=json))
    turns = Turns(talk, place.view)
    codes = [OK]
    shown, asked = turns.waiting, yes
    if turns.interrupted:
        note(session, "the last answer was broken off; going on with it")
        codes.append(exit_code_of(turns, turns.resume(), yes=yes))
    for message in messages:
        try:
            if turns.confirms(message) and turns.by_model and turns.waiting != shown:
                say(UNSEEN)
                asked = True
                codes.append(WAITS)
            elif not run_own_command(place, message):
                codes.append(exit_code_of(turns, turns.say(message), yes=yes))
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001
            turns.view.pause()
            codes.append(report(error, session))
    if codes[-1] == WAITS and (not yes or turns.by_model):
        how = "" if talk.thread == DEFAULT_THREAD else f"--thread {shlex.quote(talk.thread)} "
        note(session, f"nothing is changed yet; make it with: {session.again(f'chat {how}--once yes')}")
    worst = worst_outcome(codes)
    return WAITS if worst == OK and asked and WAITS in codes else worst


class Script:
    """A script that leads a conversation."""

    def __init__(self, session: Session, talk: Talk, view: View) -> None:
        self.session, self.talk, self.view = session, talk, view
        self.workspace = talk.workspace

    def print(self, lines: Sequence[str]) -> None:
        """Write an answer of the chat itself."""
        self.view.lines(lines)

    def switch(self, thread: str) -> None:
        """Go on in another thread."""
        self.talk.switch(thread)

    def clear(self) -> None:
        """There is no screen."""


def exit_code_of(turns: Turns, end: TurnEnd, *, yes: bool) -> int:
    """Return a turn's exit code; with `yes` a change is made, unless a language model proposed it."""
    while end.waits:
        if not yes:
            return WAITS
        if turns.by_model:
            say(BY_MODEL)
            return WAITS
        end = turns.decide(True)
    return REFUSED if end.refused or end.not_understood else OK


def worst_outcome(codes: list[int]) -> int:
    """Return what a script should look at: the first that went wrong, else that a change waits."""
    wrong = [code for code in codes if code not in (OK, WAITS)]
    return wrong[0] if wrong else codes[-1]


def script_view(session: Session, *, json: bool) -> View:
    """Return what shows a script's turns: answers on standard output, all else on standard error."""
    return JsonView() if json else ChatView(out(), err(), quiet=session.quiet)


def note(session: Session, line: str) -> None:
    """Write a line to standard error, unless --quiet."""
    if not session.quiet:
        say(line)


def lines_of_input() -> Iterator[str]:
    """Give the messages of standard input: lines that are not empty and do not begin with `#`."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    for line in sys.stdin:
        message = line.strip().lstrip("\ufeff")
        if message in LEAVING:
            return
        if message and not message.startswith(COMMENT):
            yield message
