"""Filters say which events a condition looks at: their type, their source, and an SQL condition."""

from functools import cached_property, reduce
from operator import and_
from typing import Annotated

import polars as pl
from pydantic import Field

from rules.document import OneOrMore, Where, document
from rules.paths import is_json_path
from rules.where.predicate import Predicate, read_predicate


@document
class Filters:
    """An event passes where everything that is given holds; without anything given, every event passes."""

    event_type: OneOrMore = ()
    source: OneOrMore = ()
    where: Where | None = None

    @cached_property
    def predicate(self) -> Predicate | None:
        return None if self.where is None else read_predicate(self.where)

    @cached_property
    def expression(self) -> pl.Expr:
        """True where an event passes; false or null where it does not. Wants a frame that has `paths` as fields."""
        parts = [
            pl.col(name).is_in(list(values)) for name in ("event_type", "source") if (values := getattr(self, name))
        ]
        if self.predicate is not None:
            parts.append(self.predicate.expression)
        return reduce(and_, parts) if parts else pl.col("event_type").is_not_null()

    @cached_property
    def paths(self) -> frozenset[str]:
        """The JSON paths that the expression reads."""
        return frozenset(filter(is_json_path, self.predicate.paths)) if self.predicate is not None else frozenset()


FiltersField = Annotated[
    Filters, Field(description="a mapping with event_type, source and where, each of them optional")
]
