"""`eventpulse import`: store files of historical events, past the HTTP door and under its rules."""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from eventpulse.cli.backfill import plan_in_words, work_through
from eventpulse.cli.history_connection import connected
from eventpulse.cli.import_progress import ImportProgress
from eventpulse.dagster_reports import DagsterReports
from eventpulse.database.anomalies.coverage import start_of
from eventpulse.database.events.imports import Dealt, begin_import, days_of_import, import_of, stored_by_day
from eventpulse.database.events.incoming import REFUSALS
from eventpulse.database.events.partitions import analyse_days
from eventpulse.errors import EventPulseError
from eventpulse.importing.files import EventFile, find_files
from eventpulse.importing.mapping import TableMapping, read_mapping
from eventpulse.importing.packed import STDIN
from eventpulse.importing.piece import Piece, read_piece
from eventpulse.importing.reading_ahead import reading_ahead
from eventpulse.settings import Settings, load_settings
from pipelines.history.backfill import Backfill
from pipelines.history.import_events import Importer, set_future_apart
from pipelines.read_rules import named_rules

_DAY = timedelta(days=1)


class OnError(StrEnum):
    """What to do about a row that is no event."""

    STOP = "stop"
    SKIP = "skip"
    DEAD_LETTER = "dead-letter"


class FileFormat(StrEnum):
    """The kinds of files."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(help="NDJSON, CSV (each plain, gzip or zstd) or Parquet: files, patterns, folders; - is stdin."),
    ],
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", help="FIELD=COLUMN, or FIELD=COLUMN:KIND (text, number, boolean, json); repeatable."),
    ] = None,
    constants: Annotated[
        list[str] | None, typer.Option("--const", help="FIELD=VALUE, the same for every event; repeatable.")
    ] = None,
    rest: Annotated[
        str | None, typer.Option("--rest", help="Put all other columns into payload (or metadata).")
    ] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="A YAML file that says the same.")] = None,
    time_format: Annotated[
        str | None,
        typer.Option("--time-format", help="Like '%d/%b/%Y:%H:%M:%S %z', or epoch_seconds, epoch_milliseconds, …"),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Of times without an offset, like Europe/Berlin.")
    ] = None,
    form: Annotated[
        FileFormat | None, typer.Option("--format", help="Where the name of a file does not tell its kind.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option("--delimiter", help="Between the fields of CSV.")] = None,
    on_error: Annotated[
        OnError, typer.Option("--on-error", help="Stop at rows that are no events, skip them, or set them aside.")
    ] = OnError.STOP,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Then evaluate the rules over the imported days, as backfill does.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Start over. What is there already is a duplicate.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, and store nothing.")] = False,
) -> None:
    """Import files of historical events. Run the same command again after an interruption, or when files have grown:
    nothing is doubled. Imported events raise no anomalies until rules are evaluated over them (--evaluate)."""
    settings = load_settings()
    found = find_files(files, form=form.value if form else None, delimiter=delimiter)
    wanted = read_mapping(mapping, maps or (), constants or (), rest=rest, time_format=time_format, time_zone=time_zone)
    mapped = [(file, file.completed(wanted)) for file in found]
    work = _Import(settings, on_error, again)
    try:
        with work.progress:
            if dry_run:
                for file, completed in mapped:
                    work.try_file(file, completed)
            else:
                with connected(settings, "import") as connection:
                    for file, completed in mapped:
                        work.import_file(connection, file, completed)
                    if work.progress.by_day:
                        analyse_days(connection, work.progress.by_day)
    except KeyboardInterrupt:
        typer.echo("Interrupted. The same command goes on from here.", err=True)
        raise typer.Exit(130) from None
    finally:
        if not dry_run:
            stored = (work.untold | work.progress.by_day).items()
            DagsterReports(settings).materialised(
                "events", {day.isoformat(): {"dagster/row_count": count, "origin": "import"} for day, count in stored}
            )
    work.progress.show_the_end("can be stored" if dry_run else "stored", "no events" if dry_run else "skipped")
    if dry_run:
        typer.echo("Nothing was stored.")
        raise typer.Exit(1 if work.progress.dealt.skipped else 0)
    _evaluate(settings, work.first_day, work.last_day, at_once=evaluate)
    if work.first_day is not None and work.first_day < settings.history_from:
        typer.echo(
            f"Dagster shows days from {settings.history_from} on. After the next start of EventPulse it shows these too"
            " (those before 2015 with EVENTPULSE_HISTORY_FROM)."
        )


class _Import:
    """One run of the command."""

    def __init__(self, settings: Settings, on_error: OnError, again: bool) -> None:
        self.settings = settings
        self.progress = ImportProgress()
        self.first_day: date | None = None
        self.last_day: date | None = None
        #: Days of an import that was cut off before it told Dagster of them, with what is stored of them.
        self.untold: dict[date, int] = {}
        self._on_error = on_error
        self._again = again

    def try_file(self, file: EventFile, mapping: TableMapping) -> None:
        """Read a file and say what would come of it."""
        self.progress.begin_file(file, 0)
        for piece in self._pieces(file, mapping, "", 0):
            self.progress.show_faults(file, piece.faulty)
            days = dict(piece.events["timestamp"].dt.date().value_counts().iter_rows())
            self.progress.add(file, Dealt(piece.events.height, skipped=len(piece.faulty)), days, piece.progress)

    def import_file(self, connection: psycopg.Connection, file: EventFile, mapping: TableMapping) -> None:
        """Store what has not been stored of a file yet."""
        fingerprint, import_id, after = STDIN, None, 0
        if file.name != STDIN:
            fingerprint = file.fingerprint()
            import_id, after = self._begin(connection, file, mapping, fingerprint)
        importer = Importer(
            connection,
            self.settings,
            import_id,
            entry=f"import {fingerprint}",
            named=f"{Path(file.name).name}, {file.unit}",
            dead_letters=self._on_error is OnError.DEAD_LETTER,
            on_waiting=lambda: self.progress.say("Waiting for a change of history (a backfill) to end ..."),
        )
        self.progress.begin_file(file, after)
        with reading_ahead(self._pieces(file, mapping, fingerprint, after)) as pieces:
            for piece in pieces:
                self._store(importer, file, piece)
        importer.finish()
        if import_id is not None and (span := days_of_import(connection, import_id)):
            self._note_days(*span)
        elif self.progress.by_day:
            self._note_days(min(self.progress.by_day), max(self.progress.by_day))

    def _begin(
        self, connection: psycopg.Connection, file: EventFile, mapping: TableMapping, fingerprint: str
    ) -> tuple[int, int]:
        before = None if self._again else import_of(connection, file.place, fingerprint)
        if before is None or before.through == 0:
            return begin_import(connection, file.place, fingerprint, mapping.digest), 0
        if not before.finished and (span := days_of_import(connection, before.import_id)):
            self.untold |= stored_by_day(connection, *span)
        if before.mapping != mapping.digest:
            raise EventPulseError(
                f"{file.name} was begun with another mapping. Use the same one to go on, or add --again to start over:"
                " rows whose events come out differently are then stored beside those that are there."
            )
        return before.import_id, before.through

    def _pieces(self, file: EventFile, mapping: TableMapping, fingerprint: str, after: int) -> Iterator[Piece]:
        future = timedelta(seconds=self.settings.future_seconds)
        for rows in file.rows(mapping, after=after, longest=self.settings.max_body_bytes):
            piece = read_piece(rows, mapping, fingerprint, deepest=self.settings.max_json_depth)
            yield set_future_apart(piece, future)

    def _store(self, importer: Importer, file: EventFile, piece: Piece) -> None:
        self._look_at_faults(file, piece)
        try:
            imported = importer.store(piece)
        except REFUSALS:
            piece = importer.set_refused_apart(piece)
            self._look_at_faults(file, piece)
            imported = importer.store(piece)
        self.progress.add(file, imported.dealt, imported.new_by_day, piece.progress)

    def _look_at_faults(self, file: EventFile, piece: Piece) -> None:
        if not piece.faulty:
            return
        self.progress.show_faults(file, piece.faulty)
        if self._on_error is OnError.STOP:
            raise EventPulseError(
                f"Stopped: nothing of {file.name} from {file.unit} {piece.first} on is stored. Mend it and run the same"
                " command again, or say --on-error skip or --on-error dead-letter."
            )

    def _note_days(self, first: date, last: date) -> None:
        self.first_day = min(first, self.first_day or first)
        self.last_day = max(last, self.last_day or last)


def _evaluate(settings: Settings, first: date | None, last: date | None, *, at_once: bool) -> None:
    if first is None or last is None:
        return
    with connected(settings, "import") as connection:
        rules = named_rules(connection, None)
        work = Backfill(connection, settings, origin="import")
        pieces = work.plan(rules, start_of(first), start_of(last) + _DAY)
        if not pieces:
            typer.echo("All rules have been evaluated over these days.")
        elif at_once:
            typer.echo(plan_in_words(pieces))
            if work_through(work, rules, pieces).faults:
                raise typer.Exit(1)
        else:
            typer.echo(
                f"Rules have not looked at these events yet. This evaluates them, and notifies nobody:\n"
                f"  eventpulse backfill --from {first} --to {last}"
            )
