"""`taxonaut prompts`: show, edit, check and try prompt templates."""

import typer

from taxonaut.cli.prompts import (
    check as prompts_check,
)
from taxonaut.cli.prompts import (
    diff as prompts_diff,
)
from taxonaut.cli.prompts import (
    eject as prompts_eject,
)
from taxonaut.cli.prompts import (
    log as prompts_log,
)
from taxonaut.cli.prompts import (
    show as prompts_show,
)
from taxonaut.cli.prompts import (
    try_version as prompts_try,
)

app = typer.Typer()
group = typer.Typer(no_args_is_help=True, help="Show, edit, check and try prompt templates.")
app.add_typer(group, name="prompts")
for module in (prompts_show, prompts_eject, prompts_check, prompts_diff, prompts_try, prompts_log):
    group.add_typer(module.app)
