PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
# files in the order in which they are named: what takes long comes first, and the short ones
# fill what is left of the other workers' time
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --dist loadfile --no-loadscope-reorder
TIERS := tests/chaos tests/e2e tests/integration tests/conformance tests/property tests/unit
PURE := searchctl.searchspace searchctl.orchestrator.halving searchctl.orchestrator.statistics
COVERAGE := $(PURE:%=--cov=%) --cov-branch --cov-report=term-missing:skip-covered

.PHONY: help setup check format test test-all coverage chaos bench docs audit clean

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

test: setup ## The tests of every change, JOBS (2) at a time: 17 minutes on two cores
	$(PYTEST) -n $(JOBS) $(TIERS)

test-all: setup ## All tests, the exhaustive ones too, and how much of the pure core they cover
	$(PYTEST) -n $(JOBS) -m "" $(COVERAGE) $(TIERS)

coverage: setup ## How much of the pure core the unit and property tests cover, branches too
	$(PYTEST) -n $(JOBS) $(COVERAGE) tests/property tests/unit

chaos: setup ## Kill sweeps N times (100) and compare each with an undisturbed one; SEED repeats a run
	nice $(BIN)/python -m tests.chaos --kills $(or $(N),100) $(if $(SEED),--seed $(SEED))

bench: setup ## All benchmarks; results go to benchmarks/results
	$(BIN)/python benchmarks/orchestration/executor_overhead.py
	$(BIN)/python benchmarks/orchestration
	$(BIN)/python benchmarks/training_loop.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/checkpoint.py

docs: setup ## The pages as a site, in build/site; a link that leads nowhere is an error
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build

audit: setup ## Ask for known vulnerabilities of every pinned package; needs the network
	$(BIN)/python -m pip install --quiet --editable '.[audit]'
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

clean: ## Remove what was built
	rm -rf .venv build dist *.egg-info
