"""`taxonaut expert`: train a domain expert on labelled products, and look at what it is sure of."""

import typer

from taxonaut.cli.expert import (
    audit as expert_audit,
)
from taxonaut.cli.expert import (
    define as expert_define,
)
from taxonaut.cli.expert import (
    disagreements as expert_disagreements,
)
from taxonaut.cli.expert import (
    show as expert_show,
)
from taxonaut.cli.expert import (
    train as expert_train,
)

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="Train a domain expert on labelled products, and see what it is sure of."
)
app.add_typer(group, name="expert")
for module in (expert_train, expert_show, expert_define, expert_audit, expert_disagreements):
    group.add_typer(module.app)
