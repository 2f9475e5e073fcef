"""Every setting of EventPulse: typed, read once, refusing nonsense before anything starts."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventpulse.errors import SettingsError
from eventpulse.loopback import address_of, is_loopback
from eventpulse.stream.keys import MOST_SHARDS

PROJECT_ROOT = Path(__file__).resolve().parent.parent
Port = Annotated[int, Field(ge=1, le=65535)]


def _ours(name: str) -> AliasChoices:
    return AliasChoices(f"EVENTPULSE_{name}")


class Settings(BaseSettings):
    """What an operator can change. Each field stands in `.env.example` under the name of its alias."""

    # Case-sensitive, or the field `home` would also be read from the variable HOME.
    # Input stays out of errors: it may be a password.
    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, populate_by_name=True, case_sensitive=True, hide_input_in_errors=True
    )

    home: Path = Field(PROJECT_ROOT / ".eventpulse", validation_alias=_ours("HOME"))
    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(None, validation_alias="REDIS_URL")
    dagster_database_url: SecretStr | None = Field(None, validation_alias=_ours("DAGSTER_DATABASE_URL"))
    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: Port = Field(3000, validation_alias="PORT")
    dagster_port: Port = Field(3001, validation_alias=_ours("DAGSTER_PORT"))
    code_port: Port = Field(3002, validation_alias=_ours("CODE_PORT"))
    postgres_port: Port = Field(15432, validation_alias=_ours("POSTGRES_PORT"))
    redis_port: Port = Field(16379, validation_alias=_ours("REDIS_PORT"))
    public_url: str = Field("", pattern=r"^(https?://[^\s/]+(/\S*)?)?$", validation_alias=_ours("PUBLIC_URL"))
    dagster_url: str = Field("", pattern=r"^(https?://[^\s/]+(/\S*)?)?$", validation_alias=_ours("DAGSTER_URL"))
    dagster_host: str = Field("127.0.0.1", min_length=1, validation_alias=_ours("DAGSTER_HOST"))
    code_host: str = Field("127.0.0.1", min_length=1, validation_alias=_ours("CODE_HOST"))
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", validation_alias="LOG_LEVEL")

    require_keys: bool = Field(False, validation_alias=_ours("REQUIRE_KEYS"))
    trusted_hosts: str = Field("", validation_alias=_ours("TRUSTED_HOSTS"))
    session_hours: int = Field(12, ge=1, le=720, validation_alias=_ours("SESSION_HOURS"))
    session_secret: SecretStr | None = Field(None, min_length=32, validation_alias=_ours("SESSION_SECRET"))
    channel_key: SecretStr | None = Field(None, min_length=32, validation_alias=_ours("CHANNEL_KEY"))
    channels_file: Path | None = Field(None, validation_alias=_ours("CHANNELS_FILE"))
    heartbeat_url: SecretStr | None = Field(None, validation_alias=_ours("HEARTBEAT_URL"))
    heartbeat_seconds: int = Field(60, ge=5, validation_alias=_ours("HEARTBEAT_SECONDS"))
    requests_per_second: int = Field(0, ge=0, validation_alias=_ours("REQUESTS_PER_SECOND"))
    events_per_second: int = Field(0, ge=0, validation_alias=_ours("EVENTS_PER_SECOND"))
    request_seconds: int = Field(60, ge=1, validation_alias=_ours("REQUEST_SECONDS"))

    event_retention_days: int = Field(0, ge=0, validation_alias="EVENT_RETENTION_DAYS")
    anomaly_retention_days: int = Field(0, ge=0, validation_alias="ANOMALY_RETENTION_DAYS")
    run_retention_days: int = Field(7, ge=0, validation_alias=_ours("RUN_RETENTION_DAYS"))

    max_body_bytes: int = Field(10_485_760, ge=1024, le=64 * 1024 * 1024, validation_alias=_ours("MAX_BODY_BYTES"))
    max_batch_events: int = Field(10_000, ge=1, le=16_384, validation_alias=_ours("MAX_BATCH_EVENTS"))
    max_json_depth: int = Field(64, ge=2, le=128, validation_alias=_ours("MAX_JSON_DEPTH"))
    backlog_events: int = Field(3_000_000, ge=1, validation_alias=_ours("BACKLOG_EVENTS"))
    backlog_bytes: int = Field(1 << 30, ge=1 << 20, validation_alias=_ours("BACKLOG_BYTES"))

    shards: int = Field(1, ge=1, le=MOST_SHARDS, validation_alias=_ours("SHARDS"))

    lateness_seconds: int = Field(5, ge=0, validation_alias=_ours("LATENESS_SECONDS"))
    idle_seconds: int = Field(10, ge=1, validation_alias=_ours("IDLE_SECONDS"))
    correct_seconds: int = Field(86_400, ge=0, validation_alias=_ours("CORRECT_SECONDS"))
    future_seconds: int = Field(300, ge=0, validation_alias=_ours("FUTURE_SECONDS"))

    hot_seconds: int = Field(300, ge=0, validation_alias=_ours("HOT_SECONDS"))

    micro_batch_events: int = Field(20_000, ge=1, validation_alias=_ours("MICRO_BATCH_EVENTS"))
    micro_batch_bytes: int = Field(16 * 1024 * 1024, ge=1024, validation_alias=_ours("MICRO_BATCH_BYTES"))
    linger_milliseconds: int = Field(5, ge=0, le=1000, validation_alias=_ours("LINGER_MILLISECONDS"))
    run_start_seconds: int = Field(90, ge=5, validation_alias=_ours("RUN_START_SECONDS"))
    lease_seconds: int = Field(600, ge=1, validation_alias=_ours("LEASE_SECONDS"))
    history_from: date = Field(date(2015, 1, 1), validation_alias=_ours("HISTORY_FROM"))
    materialise_seconds: int = Field(30, ge=1, validation_alias=_ours("MATERIALISE_SECONDS"))

    @property
    def hosts_trusted(self) -> frozenset[str]:
        """Names besides those of loopback by which clients may call the API."""
        return frozenset(name.strip().lower() for name in self.trusted_hosts.split(",") if name.strip())

    @property
    def keys_needed(self) -> bool:
        """Whether every request needs an API key, because it may come from another machine or the operator says so."""
        return self.require_keys or not is_loopback(self.host) or bool(self.hosts_trusted)

    @property
    def pages_at(self) -> str:
        """Where people reach the API and its pages, without a slash at the end; messages and Dagster link there."""
        return self.public_url.rstrip("/") or address_of(self.host, self.port)

    @property
    def dagster_at(self) -> str:
        """Where people reach Dagster's UI, without a slash at the end."""
        return self.dagster_url.rstrip("/") or self.dagster_webserver

    @property
    def dagster_webserver(self) -> str:
        """Where we reach Dagster's webserver ourselves."""
        return address_of(self.dagster_host, self.dagster_port)

    def database_address(self) -> str:
        """Where PostgreSQL is, the password included. Raises SettingsError where that is not known."""
        return _known("DATABASE_URL", self.database_url)

    def redis_address(self) -> str:
        """Where Redis is, the password included. Raises SettingsError where that is not known."""
        return _known("REDIS_URL", self.redis_url)

    @property
    def running_file(self) -> Path:
        """Where `eventpulse up` writes the addresses of the servers it started, for other commands to read."""
        return self.home / "running.env"


def _known(name: str, url: SecretStr | None) -> str:
    if url is None:
        raise SettingsError(f"{name} is not known. Is `eventpulse up` running?")
    return url.get_secret_value()


def load_settings(**overrides: Any) -> Settings:
    """Read the environment, then `.env` in the project, then what a running `eventpulse up` wrote; first one wins.

    Raises SettingsError naming each setting that makes no sense.
    """
    try:
        env_file = PROJECT_ROOT / ".env"
        home = Settings(_env_file=env_file, **overrides).home
        return Settings(_env_file=(home / "running.env", env_file), **overrides)
    except ValidationError as fault:
        lines = [f"{'.'.join(str(part) for part in issue['loc'])}: {issue['msg']}" for issue in fault.errors()]
        raise SettingsError("Settings are wrong. " + "; ".join(lines) + ". See .env.example.") from fault
