PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
# files in the order in which they are named: what takes long comes first, and nobody is left
# alone with it at the end
PYTEST := $(BIN)/pytest --dist loadfile --no-loadscope-reorder

.PHONY: help setup check format test chaos bench audit clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: .venv/installed ## Install searchctl and all that its tests need, into .venv

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,postgres]'
	touch $@

check: setup ## Lint, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup ## All tests, JOBS (2) at a time
	OMP_NUM_THREADS=1 $(PYTEST) -n $(JOBS) tests/integration tests/conformance tests/property tests/unit
	$(PYTEST) -n $(JOBS) tests/chaos tests/e2e

chaos: setup ## Kill sweeps N times (100) and compare each with an undisturbed one; SEED repeats a run
	nice $(BIN)/python -m tests.chaos --kills $(or $(N),100) $(if $(SEED),--seed $(SEED))

bench: setup ## All benchmarks; results go to benchmarks/results
	$(BIN)/python benchmarks/executor_overhead.py
	$(BIN)/python benchmarks/training_loop.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/checkpoint.py

audit: setup ## Ask for known vulnerabilities of every pinned package; needs the network
	$(BIN)/python -m pip install --quiet --editable '.[audit]'
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

clean: ## Remove what was built
	rm -rf .venv build dist *.egg-info
