# Everything from a checkout, with Python 3.10+ and a package index alone.
#
#   make demo   one message becomes one trace, before your eyes
#   make test   style, types and all tests, on the newest and the oldest versions
#               (redis-server and postgresql must be installed: make servers)
#   make chaos  thousands of messages through everything that goes wrong

PYTHON ?= python3
BIN := .venv/bin
OLDEST := .venv-oldest/bin

.PHONY: demo test servers lint types pytest oldest chaos fuzz soak growth bench backends docs site format clean help

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: .venv/.demo ## Send one message and draw its trace
	@$(BIN)/linq-otel demo $(ARGS)

test: lint types pytest oldest ## Run every check

servers: ## Install the servers whose stores are tested, from Debian's packages
	sh tests/support/install_servers.sh

lint: .venv/.test ## Check style, and that imports go one way
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo

types: .venv/.test ## Check types, as mypy and as pyright see them
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python

pytest: .venv/.test .venv-otlp ## Run the tests
	$(BIN)/python -m pytest $(ARGS)

oldest: .venv-oldest/.test ## Run the tests of the instrumentation on the oldest versions
	@# Old libraries warn of themselves; what stands beside us is tested with the newest.
	$(OLDEST)/python -m pytest -W default tests/client tests/clients_raw tests/frameworks \
		tests/webhooks tests/test_operations_of_the_sdk.py tests/test_tracer.py \
		--ignore tests/clients_raw/test_neighbours.py \
		--ignore tests/frameworks/test_neighbours.py $(ARGS)

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
	rm -rf .venv .venv-oldest .venv-otlp .venv-rotel .backends build dist site

.venv/bin/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/.demo: .venv/bin/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

.venv/.test: .venv/.demo
	$(BIN)/python -m pip install --quiet --group test --group lint
	@touch $@

.venv-otlp: tests/support/install_receivers.sh
	PYTHON=$(PYTHON) sh tests/support/install_receivers.sh

.venv-oldest/.test: pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv .venv-oldest
	$(OLDEST)/python -m pip install --quiet --upgrade pip
	$(OLDEST)/python -m pip install --quiet --editable . --constraint tests/oldest.txt
	$(OLDEST)/python -m pip install --quiet --group oldest --constraint tests/oldest.txt
	@touch $@
