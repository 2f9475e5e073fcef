"""What every other test may rely on: an own migrated database and an empty Redis."""

import redis
from sqlalchemy import Engine, text

from eventpulse.stream.connect import open_redis


def test_a_test_has_a_migrated_database_of_its_own(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        tables = connection.execute(
            text("select count(*) from information_schema.tables where table_schema = 'eventpulse'")
        ).scalar_one()
        name = connection.execute(text("select current_database()")).scalar_one()
    assert tables > 5
    assert database_url.endswith(f"/{name}")


def test_no_row_of_another_test_is_seen_in_a_first_test(engine: Engine) -> None:
    assert _leave_a_trace(engine) == 1


def test_no_row_of_another_test_is_seen_in_a_second_test(engine: Engine) -> None:
    assert _leave_a_trace(engine) == 1


def _leave_a_trace(engine: Engine) -> int:
    with engine.begin() as connection:
        connection.execute(text("create table if not exists traces (one int)"))
        connection.execute(text("insert into traces values (1)"))
        return int(connection.execute(text("select count(*) from traces")).scalar_one())


def test_redis_is_empty_for_a_first_test(redis_url: str) -> None:
    _find_nothing_and_leave_something(open_redis(redis_url))


def test_redis_is_empty_for_a_second_test(redis_url: str) -> None:
    _find_nothing_and_leave_something(open_redis(redis_url))


def _find_nothing_and_leave_something(client: "redis.Redis") -> None:
    with client:
        assert client.dbsize() == 0
        client.set("left", "behind")
