"""How much a client may send, second by second."""

from ingest_api.door.rate_limits import MOST_ADDRESSES, Allowance, AllowancesByAddress


def refused(allowance: Allowance, now: float) -> bool:
    return allowance.refuse(now) is not None


def test_a_second_worth_of_requests_passes_at_once_and_then_as_many_as_come_back() -> None:
    allowance = Allowance(10, 0, now=0.0)

    assert [refused(allowance, 0.0) for _ in range(11)] == [False] * 10 + [True]
    assert [refused(allowance, 0.25) for _ in range(3)] == [False, False, True]
    assert [refused(allowance, 99.0) for _ in range(11)] == [False] * 10 + [True]


def test_a_batch_larger_than_the_limit_passes_and_is_paid_for_afterwards() -> None:
    allowance = Allowance(0, 100, now=0.0)
    assert not refused(allowance, 0.0)
    allowance.charge(1_000)

    refusal = allowance.refuse(1.0)

    assert refusal is not None
    assert refusal.retry_after == 8
    assert "100 events" in refusal.sentence
    assert refused(allowance, 8.9)
    assert not refused(allowance, 9.1)


def test_a_request_that_is_refused_costs_nothing() -> None:
    allowance = Allowance(1, 0, now=0.0)
    refused(allowance, 0.0)

    assert [refused(allowance, 0.5) for _ in range(50)] == [True] * 50
    assert not refused(allowance, 1.0)


def test_without_limits_nobody_is_counted() -> None:
    assert AllowancesByAddress(0, 0).of("127.0.0.1", 0.0) is None
    allowance = Allowance(0, 0, now=0.0)
    allowance.charge(10**9)
    assert not refused(allowance, 0.0)


def test_each_address_has_its_own_and_no_flood_of_addresses_fills_the_memory() -> None:
    addresses = AllowancesByAddress(1, 0)
    first = addresses.of("a", 0.0)
    assert first is not None
    assert not refused(first, 0.0)
    assert refused(first, 0.0)
    assert addresses.of("b", 0.0) is not first
    assert addresses.of("a", 0.0) is first

    for number in range(MOST_ADDRESSES):
        addresses.of(str(number), 0.0)

    assert len(addresses._known) == MOST_ADDRESSES
