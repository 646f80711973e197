# `make audit` and `make test` do their own set-up; see scripts/setup.
.PHONY: help audit demo-year test lint bench crash mutate lock clean
.DEFAULT_GOAL := help
BIN := .venv/bin

help:            ## what can be made
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

audit:           ## install what is missing, audit this machine, write PDFs below ./audit
	@scripts/setup run
	@$(BIN)/compliance audit || { status=$$?; [ $$status -eq 1 ] || [ $$status -eq 3 ] || exit $$status; }   # 1 and 3 are verdicts

demo-year:       ## write a school's year with planted faults into ./demo-year, audit it, compare
	@scripts/setup run
	@$(BIN)/python -m examples.demo_year demo-year

test:            ## install what the tests need, servers included, and run everything
	@scripts/setup test
	@$(MAKE) --no-print-directory lint
	@scripts/test $(PYTEST)

lint:            ## formatting, types, layers, control definitions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/compliance controls lint

bench:           ## speed, as ratios to a limit measured in the same run
	@scripts/setup test
	@for b in benchmarks/[a-z]*.py; do echo "== $$b"; $(BIN)/python $$b; done

crash:           ## kill the writer 1,000 times at random, and at every call; see docs/recovery.md
	@scripts/setup test
	@$(BIN)/python -m tests.crash.run --kills 1000 --exact --faults --jobs $$(nproc) $(CRASH)
	@$(BIN)/python -m tests.crash.flips

mutate:          ## change every control's SQL one thing at a time; a case must break each time
	@scripts/setup run
	@$(BIN)/compliance controls mutate

lock:            ## renew the lock files after a change of pyproject.toml
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -o requirements.lock
	uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements.lock -o requirements-dev.lock

clean:           ## remove what was built (never a ledger)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
