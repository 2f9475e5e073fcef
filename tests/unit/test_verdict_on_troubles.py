"""What is said of troubles: when one begins, changes or ends; once, and not of what passes by itself."""

from datetime import UTC, datetime, timedelta

from sensors.trouble_verdict import ENDED, OVER_AFTER, Key, Known, News, Trouble, judge_troubles

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
STEP = timedelta(seconds=30)


def failing(state: str = "failing", **more: timedelta) -> Trouble:
    return Trouble("rule_failed", "mine", state, {"why": "it divides by zero"}, **more)


def said(looks: list[list[Trouble]], step: timedelta = STEP) -> list[tuple[int, str, str]]:
    """What is said over several looks: in which one, what, and what was said before."""
    known: dict[Key, Known] = {}
    told = []
    for number, seen in enumerate(looks):
        news: list[News] = judge_troubles(seen, known, NOW + number * step)
        known |= {one.key: one.known for one in news}
        told += [(number, one.said["state"], one.said["was"]) for one in news if one.said is not None]
    return told


def test_a_trouble_is_said_when_it_begins_and_not_again_while_it_lasts() -> None:
    assert said([[failing()]] * 5) == [(0, "failing", ENDED)]


def test_it_is_said_with_what_a_person_wants_to_know() -> None:
    [news] = judge_troubles([failing()], {}, NOW)

    assert news.said == {
        "subject": "mine",
        "state": "failing",
        "was": ENDED,
        "since": NOW.isoformat(),
        "why": "it divides by zero",
    }


def test_a_change_is_said_and_so_is_the_end() -> None:
    looks = [[failing()], [failing("suspended")], [], [], [], []]

    assert said(looks) == [(0, "failing", ENDED), (1, "suspended", "failing"), (4, ENDED, "suspended")]


def test_the_end_is_said_once_and_how_long_it_lasted() -> None:
    since = Known("failing", NOW - timedelta(minutes=5), NOW - OVER_AFTER)
    [news] = judge_troubles([], {("rule_failed", "mine"): since}, NOW)

    assert news.said is not None
    assert news.said["lasted_seconds"] == 210
    assert judge_troubles([], {news.key: news.known}, NOW + STEP) == []


def test_what_comes_and_goes_is_one_trouble() -> None:
    assert said([[failing()] if number % 2 else [] for number in range(20)]) == [(1, "failing", ENDED)]


def test_what_passes_by_itself_is_not_said() -> None:
    patient = failing(patience=timedelta(seconds=60))

    assert said([[patient], [patient], [], [patient], [patient], []]) == []
    assert said([[patient], [patient], [patient], [patient]]) == [(2, "failing", ENDED)]


def test_two_troubles_of_one_kind_are_told_apart() -> None:
    other = Trouble("rule_failed", "other", "failing")
    lag = Trouble("lag", "mine", "behind")

    assert len(said([[failing(), other, lag], [failing(), lag]])) == 3


def test_a_number_that_grows_is_said_each_time_it_has_grown() -> None:
    letters = [[Trouble("dead_letters", "", str(newest))] for newest in (4, 4, 7)]

    assert said(letters) == [(0, "4", ENDED), (2, "7", "4")]
