"""`taxonaut chat`: a conversation about the labels and their tree."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut.cli.chat.commands import with_model
from taxonaut.cli.chat.script import DEFAULT_THREAD, lines_of_input, run_script
from taxonaut.cli.chat.session import Terminal
from taxonaut.cli.chat.talk import Talk
from taxonaut.cli.chat.threads import forget_thread, fresh_name, thread_lines, thread_rows
from taxonaut.cli.shared.exit_codes import OK, say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace


def check_has_tree(workspace: Workspace) -> None:
    """Check that there are labels and a tree. Raises InputError that says what to do first."""
    index = workspace.index
    if index.children(index.root()):
        return
    workspace.check_has_labels()
    raise InputError(
        f"the {counted(len(index.label_ids()), 'label')} of {str(workspace.folder)!r} are not in a tree yet; "
        "build one with: taxonaut index build"
    )


@command(
    "chat",
    example="taxonaut chat\n"
    'taxonaut chat --once "where would wireless earbuds go?"\n'
    "taxonaut chat --thread spring --once \"add a category for 'Rain boots' under Shoes\" --yes\n"
    "taxonaut chat < questions.txt",
    asks_models=True,
)
def chat(
    session: Session,
    once: Annotated[
        str | None,
        typer.Option(
            metavar="MESSAGE", help="Send one message, print the answer and exit.", show_default=False
        ),
    ] = None,
    thread: Annotated[
        str, typer.Option(metavar="NAME", help="Conversation to continue, or to start if it is new.")
    ] = DEFAULT_THREAD,
    new: Annotated[bool, typer.Option("--new", help="Start a conversation with a generated name.")] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Make changes without confirmation, except those that a language model proposes."
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Model for this call: a model string, or a role of taxonaut.toml.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[bool, typer.Option("--threads", help="List conversations and exit.")] = False,
    forget: Annotated[
        str | None,
        typer.Option(metavar="THREAD", help="Delete a conversation and exit.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Talk about the labels and their tree, and change them.

    Ask where a text goes and why, or what is where. At a terminal, Tab completes / commands, which do the same
    without a model. A change is shown as a diff and made once you confirm it. Conversations are saved: the same
    command continues one, even after an interrupted answer.

    With --once, or with messages on standard input (one a line; # starts a comment), answers go to standard
    output and nothing is asked. The exit code is 7 if a message was not understood or was refused, and 8 if a
    change needs confirmation: by --yes, or by the message "yes". A change that a language model proposes is
    confirmed only by --once yes, after it was shown. With --json, each update is one JSON object a line.
    """
    check_options(once=once, thread=thread, new=new, threads=threads, forget=forget)
    if threads or forget is not None:
        list_or_delete_threads(session, forget, json=json)
        return
    raise typer.Exit(talk(session, once, None if new else thread, yes=yes, model=model, json=json))


def talk(
    session: Session, once: str | None, thread: str | None, *, yes: bool, model: str | None, json: bool
) -> int:
    """Lead a conversation, at a terminal or for a script, and return the exit code."""
    name = thread or fresh_name()
    with session.open() as opened:
        check_has_tree(opened)
        workspace = with_model(opened, model) if model else opened
        if once is None and not json and sys.stdin.isatty():
            Terminal(session, workspace, name, yes=yes).run()
            return OK

        with Talk(workspace, name) as talked:
            messages = lines_of_input() if once is None else [once]
            return run_script(session, talked, messages, yes=yes, json=json)


def check_options(*, once: str | None, thread: str, new: bool, threads: bool, forget: str | None) -> None:
    """Refuse options that contradict each other. Raises InputError."""
    if once is not None and not once.strip():
        raise InputError("--once was given an empty text; give a message")
    if not thread.strip():
        raise InputError("--thread was given an empty name; give a name such as spring")
    if new and thread != DEFAULT_THREAD:
        raise InputError(f"--new generates the name of the conversation; leave out --thread {thread!r}")
    if sum((once is not None, threads, forget is not None)) > 1:
        raise InputError("--once, --threads and --forget do different things; give one of them")


def list_or_delete_threads(session: Session, forget: str | None, *, json: bool) -> None:
    """List the threads, or delete one."""
    with session.open() as workspace:
        if forget is not None:
            forget_thread(workspace, forget)
            if not session.quiet:
                say(f"thread {forget!r} is deleted; what it changed in the index stays")
        elif json:
            print_json(thread_rows(workspace))
        else:
            for line in thread_lines(workspace):
                out().print(styled(line), soft_wrap=True)
