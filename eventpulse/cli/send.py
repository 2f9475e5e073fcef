"""`eventpulse send`: post files of events to the HTTP API, and go on where an interrupted sending stopped."""

import asyncio
import secrets
from contextlib import closing
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import httpx2
import msgspec
import typer

from eventpulse.cli.api_address import api_address, authorization, on_this_machine
from eventpulse.cli.send_progress import SendProgress
from eventpulse.clock import utc_now
from eventpulse.errors import EventPulseError
from eventpulse.sending.batches import events_per_request
from eventpulse.sending.lines import STDIN, LineFile, first_line
from eventpulse.sending.pace import Pace
from eventpulse.sending.post import Poster
from eventpulse.sending.prepare import Preparation, newest_timestamp
from eventpulse.sending.progress_file import ProgressFile, Sending
from eventpulse.sending.send_file import Stopped, send_file
from eventpulse.settings import Settings, load_settings


class OnRefused(StrEnum):
    """What to do about a line that the API refuses."""

    STOP = "stop"
    SKIP = "skip"


def send(
    files: Annotated[list[str], typer.Argument(help="NDJSON files, plain or gzip; - reads standard input.")],
    url: Annotated[str | None, typer.Option(help="Where the API is. Default: the one of this installation.")] = None,
    key: Annotated[str | None, typer.Option(envvar="EVENTPULSE_API_KEY", help="API key with scope ingest.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Events a second, evenly. Default: no limit.")] = None,
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Move all timestamps alike, so that the newest becomes now.")
    ] = False,
    on_refused: Annotated[OnRefused, typer.Option(help="Stop at a refused line, or skip it.")] = OnRefused.STOP,
    again: Annotated[
        bool, typer.Option("--again", help="Start over. Events that are there already count as duplicates.")
    ] = False,
    new_ids: Annotated[
        bool, typer.Option("--new-ids", help="Give every event a fresh id, so that a file can be played again.")
    ] = False,
) -> None:
    """Send events from files to EventPulse. Run the same command again after an interruption: nothing is doubled."""
    settings = load_settings()
    try:
        base_url = api_address(settings, url)
        plans = _plans(settings, files, base_url, shift_to_now=shift_to_now, again=again, new_ids=new_ids)
        with SendProgress() as progress:
            asyncio.run(_send_all(plans, base_url, key, rate, on_refused is OnRefused.SKIP, progress))
        progress.say_the_end()
    except KeyboardInterrupt:
        typer.echo("Interrupted. The same command goes on from here.", err=True)
        raise typer.Exit(130) from None


class _Plan(msgspec.Struct, frozen=True):
    """One file, what has become of it so far, and where that is noted (nowhere for standard input)."""

    sending: Sending
    preparation: Preparation
    progress_file: ProgressFile | None


def _plans(
    settings: Settings, files: list[str], base_url: str, *, shift_to_now: bool, again: bool, new_ids: bool
) -> list[_Plan]:
    if STDIN in files and shift_to_now:
        raise EventPulseError("--shift-to-now has to read the events twice, which standard input does not allow.")
    if files.count(STDIN) > 1:
        raise EventPulseError("Standard input can be sent once only.")
    fingerprints = {name: _fingerprint(name) for name in files}
    places = {
        name: ProgressFile(settings.home, path=name, fingerprint=fingerprints[name], target=base_url)
        for name in files
        if name != STDIN
    }
    noted = {} if again else {name: sending for name, place in places.items() if (sending := place.read())}
    for name, sending in noted.items():
        if (sending.shift_microseconds != 0) != shift_to_now or (sending.replace_ids is not None) != new_ids:
            raise EventPulseError(
                f"{name} was begun with other options (--shift-to-now, --new-ids). "
                "Use the same ones to go on, or add --again to start over."
            )
    shift = next((sending.shift for sending in noted.values()), None)
    if shift is None:
        shift = _shift_to_now(files) if shift_to_now else timedelta(0)
    seed = secrets.token_hex(16) if new_ids else None
    plans = []
    for name in files:
        sending = noted.get(name) or Sending(name, base_url, shift // timedelta(microseconds=1), seed)
        preparation = Preparation(fingerprints[name], sending.shift, sending.replace_ids)
        plans.append(_Plan(sending, preparation, places.get(name)))
    # Noted before the first event leaves: an interruption must not change by how much the rest is shifted.
    for plan in plans:
        if plan.progress_file:
            plan.progress_file.write(plan.sending)
    return plans


def _fingerprint(name: str) -> str:
    line = None if name == STDIN else first_line(name)
    return line.digest if line else STDIN


def _shift_to_now(files: list[str]) -> timedelta:
    newest = []
    for name in files:
        with closing(LineFile(name)) as file:
            if instant := newest_timestamp(file):
                newest.append(instant)
    if not newest:
        raise EventPulseError("--shift-to-now found no timestamp to go by.")
    return utc_now() - max(newest)


async def _send_all(
    plans: list[_Plan], base_url: str, key: str | None, rate: float | None, skip_refused: bool, progress: SendProgress
) -> None:
    pace = Pace(rate)
    timeout = httpx2.Timeout(30.0, connect=5.0)
    async with httpx2.AsyncClient(
        headers=authorization(key), timeout=timeout, trust_env=not on_this_machine(base_url)
    ) as client:
        poster = Poster(client, base_url, skip_refused=skip_refused, on_pause=progress.say)
        for plan in plans:
            file = LineFile(plan.sending.file)
            progress.begin_file(file, plan.sending)

            def note(sending: Sending, plan: _Plan = plan) -> None:
                if plan.progress_file:
                    plan.progress_file.write(sending)
                progress.settle(sending)

            try:
                await send_file(
                    file,
                    plan.sending,
                    plan.preparation,
                    poster,
                    pace=pace,
                    most_events=events_per_request(rate),
                    skip_refused=skip_refused,
                    note=note,
                    on_refusal=progress.refuse,
                )
            except Stopped:
                progress.say_the_end()
                raise
            finally:
                file.close()
            progress.end_file()
