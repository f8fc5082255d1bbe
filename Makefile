# Everything this project can do from a fresh machine with Python >= 3.11 and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-up demo-data test check lint types bench lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# uv is used where it is installed; otherwise a private copy is brought in from the package index.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@if command -v uv >/dev/null; then UV=uv; else \
	  test -x .uv/bin/uv || { echo "Bringing uv …"; $(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet uv; }; UV=.uv/bin/uv; fi; \
	echo "Installing the locked packages into $(VENV) …"; \
	test -x $(BIN)/python || $$UV venv --quiet --python "$$(command -v $(PYTHON))" $(VENV); \
	$$UV pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock && \
	$$UV pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . && touch $(READY)

setup: $(READY) ## create .venv from the lock file
