"""`taxonaut vocabulary`: build a vocabulary from items, put it on them, look at it, hand it on."""

import typer

from taxonaut.cli import vocabulary_export, vocabulary_report

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="Build a vocabulary from items, put it on them, look at it, hand it on."
)
app.add_typer(group, name="vocabulary")
group.add_typer(vocabulary_export.app)
group.add_typer(vocabulary_report.app)
