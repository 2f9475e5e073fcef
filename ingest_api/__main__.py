"""`python -m ingest_api`: serve the API until it is asked to end, as settings say."""

import sys

import uvicorn

from eventpulse.database.api_keys import require_admin_key
from eventpulse.database.connect import open_engine
from eventpulse.errors import DatabaseUnavailable, EventPulseError
from eventpulse.log_redaction import redact_logs
from eventpulse.settings import Settings, load_settings
from ingest_api.app import create_app
from ingest_api.door.connection import connections

_STARTUP_FAILED = 3


def main() -> int:
    """The exit code."""
    try:
        settings = load_settings()
        redact_logs(settings)
        app = create_app(settings)
        _require_somebody_who_may_come_in(settings)
    except EventPulseError as fault:
        print(fault, file=sys.stderr)
        return _STARTUP_FAILED
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=connections(request_seconds=settings.request_seconds),
            access_log=False,
            server_header=False,
            log_level=settings.log_level,
            timeout_graceful_shutdown=5,
            # A ping every 30 s, as clients of the original know it. They have nothing to say, so messages are short.
            ws_ping_interval=30,
            ws_ping_timeout=30,
            ws_max_size=64 * 1024,
        )
    )
    server.run()
    return 0 if server.started else _STARTUP_FAILED


def _require_somebody_who_may_come_in(settings: Settings) -> None:
    if not settings.keys_needed or settings.database_url is None:
        return
    engine = open_engine(settings.database_url.get_secret_value(), application="eventpulse api")
    try:
        require_admin_key(engine)
    except DatabaseUnavailable:
        pass  # whoever has a key is let in as soon as it can be checked
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
