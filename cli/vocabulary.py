"""`taxonaut vocabulary`: build a vocabulary from items, put it on them, look at it, hand it on."""

import typer

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="Build a vocabulary from items, put it on them, look at it, hand it on."
)
app.add_typer(group, name="vocabulary")
