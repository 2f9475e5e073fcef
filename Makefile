# One command for each wish. All of it happens inside this folder: .tools, .venv and .eventpulse.

.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/uv-$(UV_VERSION)/bin/uv
# Compiled once while installing, so that the first start is as quick as the next.
UV_SYNC := UV_COMPILE_BYTECODE=1 $(UV) sync --frozen
# A lock must name only the public index, whatever index this machine uses.
PUBLIC := env -u UV_DEFAULT_INDEX -u UV_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS -u PIP_FIND_LINKS

.PHONY: help run demo test check property chaos bench fuzz lock clean

help:
	@echo 'make run     start EventPulse on this machine (Ctrl-C stops it)'
	@echo 'make demo    the same, with lively traffic and incidents in it, to look around'
	@echo 'make test    run the tests; make test ARGS="tests/unit -x" runs some'
	@echo 'make check   style, types, who may import whom, and whether Dagster can load everything'
	@echo 'make bench   measure latency, drain, ingest and footprint; make bench ARGS="--runs 1" is shorter'
	@echo 'make property the tests on invented examples, thousands of them'
	@echo 'make chaos   break everything under load, for half an hour; make chaos ARGS="--only away" a part'
	@echo 'make fuzz    thousands of odd requests against the API, held against its OpenAPI document'
	@echo 'make lock    resolve the dependencies anew, after a change in pyproject.toml'
	@echo 'make clean   remove what was installed and cached; data in .eventpulse stays'

run: .venv/ready
	@exec .venv/bin/eventpulse up

demo: .venv/ready
	@exec .venv/bin/eventpulse up --demo

# Each worker has servers of its own, and waits for them often enough that three keep two cores busy.
WORKERS ?= 3

test: .venv/ready
	.venv/bin/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: .venv/ready
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	@mkdir -p .tools/dagster && echo 'telemetry: {enabled: false}' > .tools/dagster/dagster.yaml
	DAGSTER_HOME=$(CURDIR)/.tools/dagster VIRTUAL_ENV=$(CURDIR)/.venv .venv/bin/dg check defs

bench: .venv/ready
	.venv/bin/python -m benchmarks $(ARGS)

property: .venv/ready
	.venv/bin/python -m pytest tests/property --hypothesis-profile=thorough $(ARGS)

chaos: .venv/ready
	.venv/bin/python -m tests.chaos $(ARGS)

lock: $(UV)
	$(PUBLIC) $(UV) lock --default-index https://pypi.org/simple
	$(PUBLIC) $(UV) export --quiet --frozen --all-groups --no-emit-project --no-annotate --no-header \
		--output-file requirements.lock >/dev/null

fuzz: .venv/ready
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-300} FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM} .venv/bin/python -m pytest -x \
		tests/integration/test_no_request_breaks_the_api.py

clean:
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv downloads from the addresses in its lock. Where only a mirror that pip knows can be reached, pip does it instead.
.venv/ready: pyproject.toml uv.lock requirements.lock
	@echo 'Installing into .venv ...'
	@$(MAKE) --no-print-directory .with-uv || $(MAKE) --no-print-directory .with-pip
	@touch $@

.PHONY: .with-uv .with-pip
.with-uv: $(UV)
	@$(UV_SYNC) --quiet

.with-pip:
	@echo 'uv could not install; trying pip.'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --no-deps --require-hashes --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .

$(UV):
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
		--target .tools/uv-$(UV_VERSION) uv==$(UV_VERSION)
