"""`taxonaut prompts`: what agents are told, and a copy of it to change and to try."""

import typer

from taxonaut.cli import prompts_check, prompts_diff, prompts_eject, prompts_log, prompts_show, prompts_try

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="See what agents are told, take a copy, change it, and see what that changes."
)
app.add_typer(group, name="prompts")
for module in (prompts_show, prompts_eject, prompts_check, prompts_diff, prompts_try, prompts_log):
    group.add_typer(module.app)
