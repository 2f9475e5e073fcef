"""How long a drain gathers events before its next micro-batch."""

import pytest

from pipelines.live.drain_stream import rest_after


@pytest.mark.parametrize(
    ("worked", "lag", "rest"),
    [
        pytest.param(0.001, 0.01, 0.005, id="little work: one linger"),
        pytest.param(0.007, 0.02, 0.007, id="as long as the work took"),
        pytest.param(0.100, 0.12, 0.010, id="two lingers at most"),
        pytest.param(0.100, 0.30, 0.0, id="behind: no rest"),
    ],
)
def test_a_drain_rests_as_long_as_it_worked_unless_it_is_behind(worked: float, lag: float, rest: float) -> None:
    assert rest_after(worked, lag, linger_seconds=0.005) == rest
