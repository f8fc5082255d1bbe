# Everything this project can do from a fresh machine with Python >= 3.11 and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: chaos grades help setup demo demo-up demo-work demo-down demo-data test test-slow test-browser check lint types audit fuzz bench bench-parties docs lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# uv is used where it is installed; otherwise a private copy is brought in from the package index. Where uv cannot reach the
# packages (it does not read pip's settings: mirrors, certificates), pip installs the same lock file, only slower.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@if command -v uv >/dev/null; then UV=uv; else \
	  test -x .uv/bin/uv || { echo "Bringing uv …"; $(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet uv; }; UV=.uv/bin/uv; fi; \
	echo "Installing the locked packages into $(VENV) …"; \
	test -x $(BIN)/python || $$UV venv --quiet --python "$$(command -v $(PYTHON))" $(VENV); \
	if $$UV pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock; \
	then $$UV pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else echo "uv could not install them (above); trying pip with its own settings, which takes some minutes …"; \
	  $(PYTHON) -m pip --python $(BIN)/python install --quiet --no-deps --require-hashes --requirement requirements.lock && \
	  $(PYTHON) -m pip --python $(BIN)/python install --quiet --no-deps --no-build-isolation --editable .; fi && touch $(READY)

setup: $(READY) ## create .venv from the lock file

demo: $(READY) ## start the five demo systems, run the whole job, write the report, apply the write-backs, run again
	@$(BIN)/ltc demo run

demo-up: $(READY) ## bring the demo systems back up and leave them running
	@$(BIN)/ltc demo up

demo-work: $(READY) ## let people change something in the demo systems, for write-backs and a decision
	@$(BIN)/ltc demo work

demo-down: $(READY) ## stop the demo systems that demo-up left running
	@$(BIN)/ltc demo down

demo-data: $(READY) ## rebuild the prepared Tryton database from nothing, through Tryton's own API (minutes)
	@$(BIN)/python -m sandbox.tryton.build

PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test: $(READY) ## the tests of everything, PostgreSQL included
	@$(PYTEST) -m "not slow and not browser"

test-slow: $(READY) ## the tests that take longer: whole kits, kills, races, deployments, the tutorial, long reconciliations
	@$(PYTEST) -m slow

test-browser: $(READY) ## people's journeys through the workbench in a real Chromium; PICTURES=1 writes the docs' pictures
	@$(BIN)/python -m pytest -m browser tests/browser

lint: $(READY) ## ruff and the import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: $(READY) ## mypy --strict
	@$(BIN)/mypy

audit: ## look the locked packages up among known vulnerabilities; says loudly where it cannot
	@$(PYTHON) .ci/audit

check: lint types test test-slow test-browser ## lint, types, every test

SECONDS := 600
fuzz: $(READY) ## fuzz every parser of outside input, SECONDS=600 for each target; TARGET=name for one, SEED=n to repeat
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET)) $(if $(SEED),--seed $(SEED))

chaos: $(READY) ## simulate hostile worlds: RUNS=1000 histories, SEED=n to repeat, PROFILE=name for one kind (docs/reliability.md)
	@$(BIN)/python -m tests.chaos --runs $(or $(RUNS),1000) $(if $(SEED),--seed $(SEED)) $(if $(PROFILE),--profile $(PROFILE))

grades: $(READY) ## prove every connector against its stand-in and write the grades (minutes)
	@$(BIN)/ltc connectors test --all --write-grades

bench: $(READY) ## measure against the raw limit; prints ratios and stores them in bench/results
	@$(BIN)/python -m bench.run

bench-large: $(READY) ## the same, and 1,000,000 orders and chains (far longer)
	@$(BIN)/python -m bench.run --large

bench-parties: $(READY) ## measure linking of parties beside Splink and recordlinkage, in an environment of its own; LARGE=500000 also a million parties
	@UV=$$(command -v uv || echo .uv/bin/uv); $$UV venv --quiet --allow-existing --python $(BIN)/python .venv-bench && \
	$$UV pip install --quiet --python .venv-bench/bin/python --requirement requirements.lock && \
	$$UV pip install --quiet --python .venv-bench/bin/python "recordlinkage>=0.16" && \
	PYTHONPATH=. .venv-bench/bin/python -W ignore -m bench.parties.run $(if $(LARGE),--large $(LARGE))

docs: $(READY) ## write docs/commands.md, docs/checks*.md and the operations in docs/api.md from the code
	@$(BIN)/python -m console.reference && $(BIN)/python -m console.checks_reference && $(BIN)/python -m console.api_reference

lock: $(READY) ## resolve the dependencies anew into requirements.lock
	@UV=$$(command -v uv || echo .uv/bin/uv); $$UV pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --no-emit-index-url --extra sandbox --extra telemetry --extra dask --extra dev pyproject.toml -o requirements.lock

clean: ## remove what the targets made
	rm -rf $(VENV) .venv-bench .uv .audit .demo .pytest_cache .mypy_cache .ruff_cache build *.egg-info
