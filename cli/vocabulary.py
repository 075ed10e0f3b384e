"""`taxonaut vocabulary`: build a vocabulary from items, put it on them, look at it, hand it on."""

import typer

from taxonaut.cli import vocabulary_build, vocabulary_export, vocabulary_report, vocabulary_show

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="Build a vocabulary from items, put it on them, look at it, hand it on."
)
app.add_typer(group, name="vocabulary")
for module in (vocabulary_build, vocabulary_show, vocabulary_report, vocabulary_export):
    group.add_typer(module.app)
