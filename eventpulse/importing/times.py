"""Read the timestamps of a column: ISO 8601, numbers since 1970, or any other way of writing them."""

from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from eventpulse.importing.mapping import TableMapping, WrongMapping

#: How many of these make a microsecond, or a microsecond of these.
_EPOCHS = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
_NANOSECONDS = "epoch_nanoseconds"
_HAS_OFFSET = r"(?i)(?:z|[+-]\d\d:?\d\d)\s*$"
_ISO_WITHOUT_OFFSET = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


def check_times(mapping: TableMapping) -> None:
    """Raises WrongMapping where the time zone is none, or the format leaves open what times mean."""
    zone, form = mapping.time_zone, mapping.time_format
    if zone is not None and zone not in available_timezones():
        raise WrongMapping(f"There is no time zone {zone}. They are called like Europe/Berlin or UTC.")
    if form is None or form in (*_EPOCHS, _NANOSECONDS):
        return
    if "%" not in form:
        known = ", ".join([*_EPOCHS, _NANOSECONDS])
        raise WrongMapping(f"The time format must be one of {known}, or be written like %d.%m.%Y %H:%M, got {form!r}.")
    if "%z" not in form and "%s" not in form and zone is None:
        raise WrongMapping(f"Times written {form} have no offset. Say with --time-zone which ones they are.")


def iso_times(name: str, kind: pl.DataType, mapping: TableMapping) -> pl.Expr:
    """A column of times as ISO 8601 text in UTC, null where it is no such time. Text that has an offset already is
    left to the reader of events. Raises WrongMapping where the column cannot hold times of the kind that is said."""
    column, zone, form = pl.col(name), mapping.time_zone, mapping.time_format
    if kind == pl.Datetime:
        assert isinstance(kind, pl.Datetime)
        return _written(column if kind.time_zone else _in_zone(column, name, zone))
    if kind == pl.Date:
        return _written(_in_zone(column.cast(pl.Datetime("us")), name, zone))
    if form in _EPOCHS or form == _NANOSECONDS:
        return _written(_since_1970(column, kind, form or ""))
    if kind != pl.String:
        raise WrongMapping(
            f'The column "{name}" holds {kind}, no text. Say what it counts with --time-format: '
            f"{', '.join([*_EPOCHS, _NANOSECONDS])}."
        )
    text = column.str.strip_chars()
    if form is not None:
        if "%z" in form:
            return _written(text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False))
        return _written(_in_zone(text.str.to_datetime(form, time_unit="us", strict=False), name, zone))
    if zone is None:
        return text
    plain = text.str.replace(" ", "T", literal=True)
    read = pl.coalesce(*(plain.str.to_datetime(each, time_unit="us", strict=False) for each in _ISO_WITHOUT_OFFSET))
    return pl.when(text.str.contains(_HAS_OFFSET)).then(text).otherwise(_written(_in_zone(read, name, zone)))


def _since_1970(column: pl.Expr, kind: pl.DataType, form: str) -> pl.Expr:
    whole = column.cast(pl.Int64, strict=False) if kind == pl.String or kind.is_integer() else pl.lit(None, pl.Int64)
    if form == _NANOSECONDS:
        return (whole // 1_000).cast(UTC_MICROSECONDS)
    exact = whole * _EPOCHS[form]
    rounded = (column.cast(pl.Float64, strict=False) * _EPOCHS[form]).round()
    fits = pl.when(rounded.abs() < 2.0**62).then(rounded).cast(pl.Int64)
    return pl.coalesce(exact, fits).cast(UTC_MICROSECONDS)


def _in_zone(naive: pl.Expr, name: str, zone: str | None) -> pl.Expr:
    if zone is None:
        raise WrongMapping(f'The times of column "{name}" have no offset. Say with --time-zone which ones they are.')
    ZoneInfo(zone)
    # An hour that the clocks went through twice is taken for the first time; one that they left out is no time.
    return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")


def _written(instant: pl.Expr) -> pl.Expr:
    in_utc = instant.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    return in_utc.dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ")
