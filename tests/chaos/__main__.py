"""`make chaos`: the whole matrix, with a table in the end. `python -m tests.chaos --help` tells how to run a part."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.chaos.product import Product
from tests.chaos.run import Outcome, run_scenario
from tests.chaos.scenarios import DRAINS, HAND_OVERS, PAIRS, SINGLY, SMALL_DISK, Scenario, Series, outage_series
from tests.chaos.servers import can_mount


def main(
    seed: Annotated[int, typer.Option(help="Chooses the moments and the events.")] = 1,
    rounds: Annotated[int, typer.Option(help="How often to run everything, each time with the next seed.")] = 1,
    only: Annotated[str, typer.Option(help="Only scenarios with this text in their name or series.")] = "",
) -> None:
    """Break the product in every way there is a scenario for. The exit code is 1 if anything was not as promised."""
    console = Console(width=150, highlight=False)
    outcomes: list[tuple[Scenario, Outcome | str]] = []
    for number in range(seed, seed + rounds):
        for series in (SINGLY, PAIRS, DRAINS, HAND_OVERS, *([SMALL_DISK] if can_mount() else [])):
            outcomes += run_series(series, number, only, console)
        if _chosen_of_outages(only):
            with outage_series() as (series, untried):
                outcomes += run_series(series, number, only, console)
                console.print(*untried)
    console.print(table_of(outcomes))
    for scenario, outcome in outcomes:
        for wrong in _wrongs(outcome):
            console.print(f"[red]{scenario.name}[/]: {wrong}", markup=True)
    if any(_wrongs(outcome) for _, outcome in outcomes):
        raise typer.Exit(1)


def run_series(series: Series, seed: int, only: str, console: Console) -> list[tuple[Scenario, Outcome | str]]:
    """The chosen scenarios of a series, on one installation as long as that recovers."""
    left = [one for one in series.scenarios if only.lower() in f"{series.name} {one.name}".lower()]
    outcomes: list[tuple[Scenario, Outcome | str]] = []
    while left:
        with series.product() as product:
            recovered = True
            while left and recovered:
                scenario = left.pop(0)
                outcome = _attempt(product, scenario, f"s{seed}x{len(outcomes)}", seed)
                recovered = isinstance(outcome, Outcome)
                outcomes.append((scenario, outcome))
                _tell(console, scenario, outcome)
    return outcomes


def table_of(outcomes: list[tuple[Scenario, Outcome | str]]) -> Table:
    """One line for each scenario."""
    table = Table(title="What was broken, and what became of it", title_justify="left")
    table.add_column("fault")
    for heading in ("accepted", "unknown", "lost", "doubled", "anomalies", "missing", "extra", "recovered", "whole"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for scenario, outcome in outcomes:
        if isinstance(outcome, str):
            table.add_row(scenario.name, *[""] * 9, "[red]did not recover[/]")
            continue
        verdict = outcome.verdict
        counts = (verdict.accepted, verdict.unknown, verdict.lost, verdict.doubled, verdict.anomalies)
        table.add_row(
            scenario.name,
            *(f"{count:,}" for count in (*counts, verdict.missing, verdict.extra)),
            f"{verdict.seconds:.1f} s",
            f"{outcome.whole_after:.1f} s",
            "[red]no[/]" if outcome.wrongs else "[green]ok[/]",
        )
    return table


def _attempt(product: Product, scenario: Scenario, tag: str, seed: int) -> Outcome | str:
    try:
        return run_scenario(product, scenario, tag, seed)
    except Exception as fault:  # the others are to be tried as well
        return f"{type(fault).__name__}: {fault} {_what_is_there(product)}"


def _what_is_there(product: Product) -> str:
    try:
        return f"Drains that contend: {product.drains()}; runs in Dagster: {product.runs()}"
    except Exception as fault:
        return f"PostgreSQL cannot be asked ({type(fault).__name__})"


def _tell(console: Console, scenario: Scenario, outcome: Outcome | str) -> None:
    wrongs = _wrongs(outcome)
    seconds = "" if isinstance(outcome, str) else f" ({outcome.verdict.seconds:.1f} s)"
    console.print(f"{time.strftime('%H:%M:%S')} {scenario.name}{seconds}: {'; '.join(wrongs) or 'ok'}", markup=False)


def _wrongs(outcome: Outcome | str) -> list[str]:
    return [outcome] if isinstance(outcome, str) else outcome.wrongs


def _chosen_of_outages(only: str) -> bool:
    words = ("outages", "away", "memory", "replica", "disk")
    return any(only.lower() in word or word in only.lower() for word in words)


if __name__ == "__main__":
    typer.run(main)
