"""Know which lines of a file are settled, although several requests are on their way and answers come in any order."""

from bisect import bisect_left, insort

import msgspec


class Span(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Lines `first` to `last`, both included. `digest` tells the last one from another line in its place."""

    first: int
    last: int
    digest: str


class Settled(msgspec.Struct, frozen=True):
    """Lines that were accepted or refused for good, as few spans in order, and how many of each."""

    spans: tuple[Span, ...] = ()
    accepted: int = 0
    refused: int = 0

    def holds(self, line_number: int) -> Span | None:
        """The span a line lies in, where it is settled."""
        place = bisect_left(self.spans, line_number, key=lambda span: span.last)
        span = self.spans[place] if place < len(self.spans) else None
        return span if span and span.first <= line_number else None

    def with_span(self, span: Span, *, accepted: int, refused: int) -> "Settled":
        """Everything settled so far and one span more, which touches no settled line."""
        spans = list(self.spans)
        insort(spans, span)
        merged: list[Span] = []
        for each in spans:
            if merged and merged[-1].last + 1 == each.first:
                merged[-1] = Span(merged[-1].first, each.last, each.digest)
            else:
                merged.append(each)
        return Settled(tuple(merged), self.accepted + accepted, self.refused + refused)
