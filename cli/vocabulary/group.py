"""`taxonaut vocabulary`: build a vocabulary from items, put it on them, look at it, hand it on."""

import typer

from taxonaut.cli.vocabulary import (
    build as vocabulary_build,
)
from taxonaut.cli.vocabulary import (
    export as vocabulary_export,
)
from taxonaut.cli.vocabulary import (
    report as vocabulary_report,
)
from taxonaut.cli.vocabulary import (
    show as vocabulary_show,
)

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="Build a vocabulary from items, put it on them, look at it, hand it on."
)
app.add_typer(group, name="vocabulary")
for module in (vocabulary_build, vocabulary_show, vocabulary_report, vocabulary_export):
    group.add_typer(module.app)
