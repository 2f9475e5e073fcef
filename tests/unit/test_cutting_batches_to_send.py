"""Lines become requests of a bounded size, and settled lines never leave twice."""

import pytest

from eventpulse.sending.batches import Batch, FileChanged, cut_batches, events_per_request
from eventpulse.sending.lines import Line
from eventpulse.sending.pace import Pace
from eventpulse.sending.prepare import Preparation
from eventpulse.sending.settled import Settled, Span

PLAIN = Preparation("a-file")


def some_lines(*numbers: int, text: bytes = b'{"event_id":"x"}') -> list[Line]:
    return [Line(number, text) for number in numbers]


def cut(lines: list[Line], settled: Settled | None = None, most_events: int = 3) -> list[Batch]:
    return list(cut_batches(lines, PLAIN, settled or Settled(), most_events=most_events))


def spans(batches: list[Batch]) -> list[tuple[int, int]]:
    return [(batch.first_line, batch.last_line) for batch in batches]


def test_batches_cover_every_line_once_in_order_blank_ones_included() -> None:
    batches = cut(some_lines(2, 3, 4, 6, 9))
    assert spans(batches) == [(1, 4), (5, 9)]
    assert [batch.line_numbers for batch in batches] == [[2, 3, 4], [6, 9]]


def test_a_batch_ends_at_about_a_megabyte_and_a_longer_event_goes_alone() -> None:
    large = b'{"event_id":"' + b"x" * 600_000 + b'"}'
    huge = b'{"event_id":"' + b"x" * 2_000_000 + b'"}'
    lines = some_lines(1, 2, text=large) + some_lines(3, text=huge) + some_lines(4)
    assert spans(cut(lines, most_events=1000)) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_lines_that_cannot_be_sent_travel_with_their_batch() -> None:
    batches = cut(some_lines(1) + some_lines(2, text=b"broken") + some_lines(3, 4))
    assert [[refusal.line_number for refusal in batch.unsendable] for batch in batches] == [[2], []]
    assert [batch.line_numbers for batch in batches] == [[1, 3], [4]]


def test_settled_lines_are_left_out() -> None:
    digest = some_lines(1)[0].digest
    settled = Settled((Span(1, 2, digest), Span(5, 6, digest)), accepted=4)
    assert spans(cut(some_lines(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), settled)) == [(3, 4), (7, 9), (10, 10)]


def test_a_file_whose_settled_lines_changed_is_refused() -> None:
    settled = Settled((Span(1, 2, "digest of what was sent"),), accepted=2)
    with pytest.raises(FileChanged, match="Line 2 "):
        cut(some_lines(1, 2, 3), settled)


def test_answers_in_any_order_become_few_spans_and_exact_counts() -> None:
    settled = Settled()
    for first, last in [(4, 6), (1, 3), (10, 12)]:
        settled = settled.with_span(Span(first, last, f"d{last}"), accepted=2, refused=1)
    assert settled == Settled((Span(1, 6, "d6"), Span(10, 12, "d12")), accepted=6, refused=3)
    assert [number for number in range(1, 14) if settled.holds(number)] == [1, 2, 3, 4, 5, 6, 10, 11, 12]


@pytest.mark.parametrize(("rate", "events"), [(None, 1000), (0.5, 1), (100, 2), (5_000, 100), (1_000_000, 1000)])
def test_a_paced_sending_uses_small_requests(rate: float | None, events: int) -> None:
    assert events_per_request(rate) == events


def test_paced_requests_start_evenly_and_do_not_catch_up_after_a_pause() -> None:
    pace = Pace(10)
    starts = [now + pace.seconds_until_start(2, now) for now in (100.0, 100.0, 100.1, 107.0, 107.0)]
    assert starts == pytest.approx([100.0, 100.2, 100.4, 107.0, 107.2])


def test_without_a_rate_nothing_waits() -> None:
    assert Pace(None).seconds_until_start(1000, 5.0) == 0
