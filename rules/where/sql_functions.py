"""What a predicate can ask of a text: whether it is like a pattern, matches an expression, or lies in a network."""

import ipaddress
import re
from functools import partial

import polars as pl
from polars.exceptions import PolarsError

from rules.where.sql_words import PredicateFault

LONGEST_PATTERN = 1_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def like(text: pl.Expr, pattern: str, column: int | None, *, any_case: bool) -> pl.Expr:
    """SQL's like: `%` stands for any text, `_` for one character, a backslash takes their meaning away."""
    if len(pattern) > LONGEST_PATTERN:
        raise PredicateFault(f"A pattern is at most {LONGEST_PATTERN} characters long.", column)
    expression, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                raise PredicateFault("The pattern ends with a backslash that escapes nothing.", column)
            expression.append(_literally(escaped))
        else:
            expression.append({"%": ".*", "_": "."}.get(character) or _literally(character))
    return text.str.contains(f"(?s{'i' if any_case else ''})^(?:{''.join(expression)})$")


def _literally(character: str) -> str:
    return re.escape(character) if character.isascii() else character


def regexp_like(text: pl.Expr, pattern: str, column: int | None) -> pl.Expr:
    """Whether the expression matches anywhere in the text, in time linear in its length."""
    if len(pattern) > LONGEST_PATTERN:
        raise PredicateFault(f"A pattern is at most {LONGEST_PATTERN} characters long.", column)
    try:
        pl.Series([""]).str.contains(pattern, strict=True)
    except PolarsError as fault:
        reason = str(fault).split("This error occurred")[0]
        short = reason.rpartition("error:")[2].strip() if "error:" in reason else reason.strip()
        raise PredicateFault(f"The pattern '{pattern[:60]}' cannot be used: {short.rstrip('.')}.", column) from fault
    return text.str.contains(pattern)


def cidr_contains(network: str, text: pl.Expr, column: int | None) -> pl.Expr:
    """Whether the address lies in the network; null for a text that is no address. IPv4 never lies in IPv6."""
    try:
        within = ipaddress.ip_network(network, strict=False)
    except ValueError as fault:
        sentence = f"'{network}' is no network; write one as '10.0.0.0/8' or '2001:db8::/32'."
        raise PredicateFault(sentence, column) from fault
    if "/" in network and str(within.network_address) != str(ipaddress.ip_interface(network).ip):
        raise PredicateFault(f"'{network}' has bits behind its mask; write '{within}'.", column)
    return text.map_batches(partial(_are_inside, within=within), return_dtype=pl.Boolean, is_elementwise=True)


def _are_inside(texts: pl.Series, within: Network) -> pl.Series:
    """Looks at each distinct address once: IPv4 all together, IPv6 one by one, as no number of Polars could hold it."""
    distinct = texts.drop_nulls().unique()
    if distinct.is_empty():
        return pl.Series(texts.name, [None], dtype=pl.Boolean).new_from_index(0, len(texts))
    octets = distinct.str.split_exact(".", 3).struct.unnest().cast(pl.UInt8, strict=False).cast(pl.UInt32)
    first, second, third, fourth = octets.get_columns()
    address = first * 2**24 + second * 2**16 + third * 2**8 + fourth
    # Written out again it is the same text only where nothing was left out, such as a leading zero.
    is_ipv4 = octets.select(pl.concat_str(pl.all(), separator=".")).to_series().eq_missing(distinct)
    if within.version == 4:
        inside = address.is_between(int(within.network_address), int(within.broadcast_address))
    else:
        inside = pl.Series([False]).new_from_index(0, len(distinct))
    answers = inside.zip_with(is_ipv4, pl.Series([None], dtype=pl.Boolean).new_from_index(0, len(distinct)))
    ipv6 = distinct.str.contains(":", literal=True)
    if ipv6.any():
        answers = answers.scatter(ipv6.arg_true(), [_is_inside(text, within) for text in distinct.filter(ipv6)])
    return texts.replace_strict(distinct, answers, default=None, return_dtype=pl.Boolean)


def _is_inside(text: str, within: Network) -> bool | None:
    try:
        return ipaddress.IPv6Address(text) in within
    except ValueError:
        return None
