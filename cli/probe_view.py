"""What a model made of the tiny question, for a person and for a machine."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from taxonaut.cli.probe import RIGHT, TEXT, Probe
from taxonaut.cli.terminal import styled

if TYPE_CHECKING:
    from rich.console import Console


def print_probe(console: "Console", roles: tuple[str, ...], model: str, probe: Probe) -> None:
    """Print the answer, or in one line why there is none."""
    title = styled(model, "bold")
    title.append(f"  {', '.join(roles)}" if roles else "", "dim not bold")
    console.print(title)
    if probe.error:
        console.print(styled(f"  failed: {probe.error}", "red"))
        return
    said = f"chose {probe.chose!r}" if probe.chose else "abstained"
    console.print(styled(f"  for {TEXT!r} it {said}", "green" if probe.chose == RIGHT else "yellow"))
    console.print(styled(f"  {'; '.join(details(probe))}", "dim"))


def details(probe: Probe) -> list[str]:
    """Write out how quick it was and what it gives."""
    said = [f"{probe.seconds:.2f} s with loading, {1000 * probe.latency_s:.0f} ms the request alone"]
    if probe.prompt_tokens:
        said.append(f"{probe.prompt_tokens} tokens read, {probe.completion_tokens} written")
        said.append(f"{probe.tokens_per_second:.1f} tokens/s")
    if probe.attempts > 1:
        said.append(f"{probe.attempts} tries")
    if probe.dimension:
        said.append(f"{probe.dimension} dimensions")
    else:
        said.append("scores given" if probe.scored else "no scores: its choices count by their order")
    return said


def probe_row(roles: tuple[str, ...], model: str, probe: Probe) -> dict[str, Any]:
    """Return a probe as JSON has it."""
    return {
        "model": model,
        "roles": list(roles),
        "ok": not probe.error,
        **asdict(probe),
        "tokens_per_second": round(probe.tokens_per_second, 1),
    }
