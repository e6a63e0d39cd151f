# Every target is also what CI runs. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
ROUNDS := $(or $(ONEWINDOW_ROUNDS),50)
LOCKS := pyproject.toml requirements-bootstrap.lock deploy/install.sh

.PHONY: help run test check format bench faults kafka apart clean lock install install-dev

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

install: .venv/.installed-run ## what `make run` needs, without starting anything
install-dev: .venv/.installed-dev ## the same, with the tools for tests and checks

.venv/.installed-run: requirements.lock $(LOCKS)
	@deploy/install.sh run && touch $@

.venv/.installed-dev: requirements-dev.lock $(LOCKS)
	@deploy/install.sh dev && touch $@

run: install ## start the platform, hand in one invented family's application, serve until Ctrl-C
	@exec $(BIN)/onewindow up --first-family

test: install-dev ## everything a change needs, in two lots side by side, the ten slowest of each printed
	@ONEWINDOW_ROUNDS=1 $(BIN)/python -m tests

check: install-dev ## format, lint, types, import rules, generated files
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/onewindow codes --check
	$(BIN)/onewindow openapi --check
	$(BIN)/onewindow asyncapi --check
	$(BIN)/onewindow schemas --check

format: install-dev ## put the source in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: install-dev ## the figures as a table: figure, floor of the same run, ratio, goal
	@$(BIN)/python -m benchmarks

faults: install-dev ## ONEWINDOW_ROUNDS rounds a bus, the faults in turn, and what came of them; ONEWINDOW_SEED: one round again
	@ONEWINDOW_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest tests -m faults -v --durations=0 --durations-min=60

kafka: install ## a local Kafka until Ctrl-C: NODES=1 or 3, KAFKA_DATA=folder keeps its data, KAFKA_PORT=9092
	@exec $(BIN)/python -m deploy.kafka.local $(or $(KAFKA_DATA),"") $(or $(NODES),1)

apart: install ## every service a process of its own on Kafka behind a gateway, until Ctrl-C: NODES=1 or 3, ONEWINDOW_PORT=8000
	@NODES=$(or $(NODES),1) exec $(BIN)/python -m deploy.apart

lock: install-dev ## resolve the lock files again (UPGRADE=1 takes newer versions)
	$(BIN)/uv pip compile -q --universal --generate-hashes $(if $(UPGRADE),--upgrade) pyproject.toml --extra dev -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes $(if $(UPGRADE),--upgrade) pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes $(if $(UPGRADE),--upgrade) --python-version 3.11 requirements-bootstrap.in -c requirements-dev.lock -o requirements-bootstrap.lock

clean: ## remove caches and built files; never the data in var/
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./.venv -prune -o -path ./var -prune -o -name __pycache__ -type d -exec rm -rf {} +
