# Everything is started from here, by people and by CI alike. `make` alone prints the list.
# Needs: Python 3.11 or later, GNU make, bash, and the package registries on the first run.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE_TESTS := tests/contract/node
LIGHTHOUSE := tests/browser/lighthouse
# Three workers for the two cores that the figure of `make test` is for: browsers wait as much as
# they work.
WORKERS ?= 3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test test-long check bench fix migration docs verifier clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- virtual environment, by stamps: nothing is installed twice -----------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Trace needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.run-ready: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev-ready: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run-ready

# Outside implementations in JavaScript, the accessibility checker and the minifier: development only.
$(NODE_TESTS)/node_modules/.ready: $(NODE_TESTS)/package-lock.json | $(VENV)/.test-tools
	cd $(NODE_TESTS) && npm ci --loglevel=error
	@touch $@

# Judges pages as a phone meets them; large, so only the drills have it.
$(LIGHTHOUSE)/node_modules/.ready: $(LIGHTHOUSE)/package-lock.json | $(VENV)/.test-tools
	cd $(LIGHTHOUSE) && npm ci --ignore-scripts --loglevel=error
	@touch $@

$(VENV)/.test-tools: deploy/test-tools.sh | $(BIN)/python
	bash deploy/test-tools.sh
	@touch $@

TEST_READY := $(VENV)/.dev-ready $(VENV)/.test-tools $(NODE_TESTS)/node_modules/.ready

# -- the product ----------------------------------------------------------------------------------

run: $(VENV)/.run-ready ## start it with a demo chain on port 8000 (PORT=…, TRACE_INSTANCE=…)
	@exec bash deploy/run.sh

# -- checks ---------------------------------------------------------------------------------------

setup: $(TEST_READY) ## install what tests and checks need, and stop there

test: $(TEST_READY) ## all tests (at most ten minutes on two cores); ARGS="-k words" to choose
	$(BIN)/python -m pytest -n $(WORKERS) -m "not long" $(ARGS)

test-long: $(TEST_READY) $(LIGHTHOUSE)/node_modules/.ready ## the drills: everything too slow for `make test`
	$(BIN)/python -m pytest -m long $(ARGS)

check: $(VENV)/.dev-ready ## lint, format, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev-ready ## let ruff repair what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev-ready ## figures against their floors (NAME=… for one); writes benchmarks/results.json
	$(BIN)/python -m benchmarks $(NAME)

migration: $(VENV)/.run-ready ## a new migration from the models: make migration NAME="add_scans"
	@[[ "$(NAME)" =~ ^[a-z0-9_]+$$ ]] || { echo 'Say what it does: make migration NAME=add_scans' >&2; exit 1; }
	$(BIN)/flask --app wsgi db revision --autogenerate -m "$(NAME)" \
	  --rev-id "$$(printf '%04d' $$(( $$(ls migrations/versions/*.py 2>/dev/null | wc -l) + 1 )))"

docs: $(VENV)/.run-ready ## rewrite the reference pages that come from the code
	$(BIN)/python -m docs.generate

verifier: ## build/trace-verify.pyz: checks bundles and copies of the log anywhere, offline
	@$(PYTHON) deploy/make_verifier.py

clean: ## remove what was built; keeps instance/ and its data
	rm -rf $(VENV) $(NODE_TESTS)/node_modules $(LIGHTHOUSE)/node_modules build htmlcov .coverage .mypy_cache .ruff_cache \
	  .pytest_cache .hypothesis .import_linter_cache benchmarks/results.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
