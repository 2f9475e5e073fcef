"""`eventpulse rules`: check files of rules, run their tests, apply them to a running EventPulse, export them."""

import re
from pathlib import Path
from typing import Annotated

import typer

from eventpulse.cli.api_address import api_address
from eventpulse.cli.backtest import backtest
from eventpulse.cli.rule_api import RuleApi, open_rule_api
from eventpulse.cli.rule_changes import Change, RuleChange, as_sent, changes
from eventpulse.cli.rule_folder import RuleFolder, read_folder
from eventpulse.errors import EventPulseError
from eventpulse.rule_file import as_yaml
from eventpulse.settings import load_settings
from rules.trials.rule_tests import run_test

rules = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Rules as files: lint, test, backtest, apply, export."
)
rules.command()(backtest)

Folders = Annotated[list[Path], typer.Argument(help="Folders with YAML files of rules, or such files.")]
Url = Annotated[str | None, typer.Option(help="Where the API is. Default: the one of this installation.")]
Key = Annotated[str | None, typer.Option(envvar="EVENTPULSE_API_KEY", help="API key with scope admin.")]
_SIGNS = {Change.NEW: "+", Change.CHANGED: "~", Change.REMOVED: "-", Change.SAME: "="}
_COLOURS = {"+": typer.colors.GREEN, "-": typer.colors.RED}


@rules.command()
def lint(folders: Folders) -> None:
    """Read every rule and name every fault, with file, line and column. The exit code is 1 if there is one."""
    found = _read(folders)
    typer.echo(f"{_count(len(found.rules), 'rule')} in {_count(len(found.files), 'file')}, no fault.")


@rules.command()
def test(folders: Folders) -> None:
    """Run the tests that the rules carry. The exit code is 1 if one fails."""
    found = _read(folders)
    ran = failed = 0
    for rule in found.rules:
        if not rule.tests:
            typer.echo(f'- "{rule.name}" carries no test')
        for trial in rule.tests:
            report = run_test(rule, trial)
            ran, failed = ran + 1, failed + (not report.passed)
            sign = typer.style("✓", typer.colors.GREEN) if report.passed else typer.style("✗", typer.colors.RED)
            typer.echo(f'{sign} "{report.rule}": {report.test}')
            for problem in report.problems:
                typer.echo(f"    {problem}")
    typer.echo(f"{_count(ran, 'test')} of {_count(len(found.rules), 'rule')}, {failed} failed.")
    if failed:
        raise typer.Exit(1)


@rules.command()
def apply(
    folders: Folders,
    url: Url = None,
    key: Key = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, and change nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove rules that stand in no file.")] = False,
) -> None:
    """Make the rules that stand be those of the files. Shows the difference first; doing it again changes nothing."""
    found = _read(folders)
    with open_rule_api(api_address(load_settings(), url), key) as api:
        wanted = changes(found.rules, api.all(), prune=prune)
        due = [one for one in wanted if one.change is not Change.SAME]
        for one in due:
            _show(one)
        typer.echo(_counts(wanted))
        if not due or dry_run:
            return
        if not yes:
            typer.confirm("Apply this?", abort=True)
        for one in due:
            _carry_out(api, one)
        typer.echo("Applied.")


@rules.command()
def export(
    folder: Annotated[Path, typer.Argument(help="The folder to write to, one file for each rule.")],
    url: Url = None,
    key: Key = None,
) -> None:
    """Write the rules that stand as YAML files, which `eventpulse rules apply` reads."""
    with open_rule_api(api_address(load_settings(), url), key) as api:
        standing = api.all()
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for rule in standing:
        name = re.sub(r"[^\w-]+", "-", rule["name"].lower()).strip("-")[:80] or rule["rule_id"]
        name = name if name not in taken else f"{name}-{rule['rule_id']}"
        taken.add(name)
        document = {"rule_id": rule["rule_id"], **as_sent(rule)}
        (folder / f"{name}.yaml").write_text(as_yaml(document), encoding="utf-8")
    typer.echo(f"Wrote {_count(len(standing), 'rule')} to {folder}.")


def _read(folders: list[Path]) -> RuleFolder:
    found = read_folder(folders)
    for fault in found.faults:
        typer.echo(fault, err=True)
    if found.faults:
        raise EventPulseError(f"{_count(len(found.faults), 'fault')} in {_count(len(found.files), 'file')}.")
    if not found.rules:
        raise EventPulseError(f"There is no rule in {', '.join(map(str, folders))}; files end in .yaml or .yml.")
    return found


def _show(one: RuleChange) -> None:
    typer.secho(f'{_SIGNS[one.change]} {one.change} "{one.name}" ({one.rule_id})', bold=True)
    for line in one.difference:
        typer.secho(f"    {line}", fg=_COLOURS.get(line[:1]))


def _carry_out(api: RuleApi, one: RuleChange) -> None:
    if one.change is Change.NEW:
        api.create(one.document, one.rule_id)
    elif one.change is Change.CHANGED:
        api.replace(one.document, one.rule_id)
    else:
        api.remove(one.rule_id)


def _counts(wanted: list[RuleChange]) -> str:
    return ", ".join(f"{sum(one.change is change for one in wanted)} {change}" for change in Change) + "."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
