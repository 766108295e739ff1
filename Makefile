# Everything from a checkout, with Python 3.10+ and a package index alone.
#
#   make demo      one message becomes one trace, before your eyes
#   make check     style, types and the tests of what changed: before a commit
#   make test      style, types and all fast tests, on the newest versions
#                  (redis-server and postgresql must be installed: make servers)
#   make test-all  what CI runs: slow tests and the oldest versions as well

PYTHON ?= python3
BIN := .venv/bin
OLDEST := .venv-oldest/bin
# Tests wait more than they compute: two for each processor.
WORKERS ?= $(shell expr 2 \* $$(nproc))
PYTEST := python -m pytest -q
PARALLEL := -n $(WORKERS) --dist worksteal
# `make test COVERAGE=--cov` measures which branches the tests take, and holds them to a floor.
COVERAGE ?=
# What `make pytest` leaves out; `make test-all` leaves out nothing.
ONLY := not slow and
# The commit that `make check` compares with.
SINCE ?= HEAD

# Programs that tests start load compiled files, also where the environment forbids to write them.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo check test test-all servers lint types pytest slow oldest chaos fuzz soak growth
.PHONY: bench backends suites docs site format clean help

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: .venv/.demo ## Send one message and draw its trace
	@$(BIN)/linq-otel demo $(ARGS)

check: .venv/.test ## Check style, types and the tests of what changed, before a commit
	@$(MAKE) --no-print-directory -j2 lint types
	@tests=$$(PYTHONPATH=tests $(BIN)/python -m support.changed_tests $(SINCE)); \
	if [ -z "$$tests" ]; then echo "No test concerns what changed."; else \
	$(BIN)/$(PYTEST) $(PARALLEL) -m "not slow and not timing" $$tests $(ARGS); fi

test: lint types pytest ## Run what every change must pass: style, types and the fast tests

test-all: lint types ## Run everything: slow tests and the oldest versions as well
	@$(MAKE) --no-print-directory pytest ONLY=
	@$(MAKE) --no-print-directory oldest

servers: ## Install the servers whose stores are tested, from Debian's packages
	sh tests/support/install_servers.sh

lint: .venv/.test ## Check style, and that imports go one way
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo

types: .venv/.test ## Check types, as mypy and as pyright see them
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python

pytest: .venv/.test .venv-otlp ## Run the fast tests; those that measure time after the others, alone
	$(BIN)/$(PYTEST) $(PARALLEL) -m "$(ONLY) not timing" $(COVERAGE) $(ARGS)
	$(BIN)/$(PYTEST) -m "$(ONLY) timing" $(ARGS)

slow: .venv/.test .venv-otlp ## Run the slow tests
	@# Whole files, for what many of them begin with takes long: a fleet, a browser, a recording.
	$(BIN)/$(PYTEST) -n $(WORKERS) --dist loadfile -m "slow and not timing" $(ARGS)
	$(BIN)/$(PYTEST) -m "slow and timing" $(ARGS)

oldest: .venv-oldest/.test ## Run the tests of the instrumentation on the oldest versions
	@# Old libraries warn of themselves; other instrumentations and servers are tested in their
	@# newest versions.
	$(OLDEST)/$(PYTEST) $(PARALLEL) -W default tests/client tests/clients_raw tests/frameworks \
		tests/webhooks tests/test_operations_of_the_sdk.py tests/test_tracer.py \
		--ignore tests/clients_raw/test_neighbours.py \
		--ignore tests/frameworks/test_neighbours.py \
		--ignore tests/frameworks/test_servers.py $(ARGS)

chaos: .venv/.test .venv-otlp ## Send thousands of messages through everything that goes wrong
	PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

fuzz: .venv/.test ## Feed webhooks with millions of broken inputs
	PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

soak: .venv/.test ## Live through a million lifecycles and watch the memory
	PYTHONPATH=tests $(BIN)/python -m bounds.soak $(ARGS)

growth: .venv/.test ## Measure the stores as they grow to ten million origins
	PYTHONPATH=tests $(BIN)/python benchmarks/growth.py $(ARGS)

bench: .venv/.test ## Measure what tracing costs, beside what people use today
	PYTHONPATH=tests $(BIN)/python benchmarks/bench.py $(ARGS)

backends: .venv/.test ## Send every scenario to real backends, built with Go, and read it back
	PYTHONPATH=tests $(BIN)/python -m backends $(ARGS)
	$(BIN)/python -m pytest tests/backends/check_show.py

suites: .venv/.test ## Run the test suites of other projects, without linq-otel and with it
	PYTHONPATH=tests $(BIN)/python -m suites $(ARGS)

docs: .venv/.test ## Write the pages that are made from the code
	$(BIN)/python docs/making/generate_attributes.py
	$(BIN)/python docs/making/generate_metrics.py
	$(BIN)/python docs/making/generate_registry.py
	$(BIN)/python docs/making/generate_commands.py
	$(BIN)/python docs/making/generate_benchmarks.py
	$(BIN)/python docs/making/generate_plays.py

site: .venv/.test ## Build the documentation as a site, with warnings as errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

format: .venv/.test ## Mend style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## Remove what was set up
	rm -rf .venv .venv-oldest .venv-otlp .venv-rotel build dist site

# With uv, the versions of the lock file; without it, pip takes the newest that pyproject.toml allows.
UV := $(shell command -v uv)
SYNC := UV_PROJECT_ENVIRONMENT=.venv uv sync --quiet --frozen --python $(PYTHON)

.venv/bin/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

ifdef UV
.venv/.demo: pyproject.toml uv.lock
	$(SYNC) --extra demo
	@touch $@

.venv/.test: pyproject.toml uv.lock
	$(SYNC) --all-extras --group test --group lint
	@touch $@ .venv/.demo
else
.venv/.demo: .venv/bin/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

.venv/.test: .venv/.demo
	$(BIN)/python -m pip install --quiet --group test --group lint
	@touch $@
endif

.venv-otlp: tests/support/install_receivers.sh
	PYTHON=$(PYTHON) sh tests/support/install_receivers.sh

.venv-oldest/.test: pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv .venv-oldest
	$(OLDEST)/python -m pip install --quiet --upgrade pip
	$(OLDEST)/python -m pip install --quiet --editable . --constraint tests/oldest.txt
	$(OLDEST)/python -m pip install --quiet --group oldest --constraint tests/oldest.txt
	@touch $@
