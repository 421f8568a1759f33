# The verbs: run, test, check, bench (and lock). Needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.DEFAULT_GOAL := help
.PHONY: help run test check bench lock clean

help: ## list the verbs
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort

run: $(VENV)/runtime.installed ## set up, make the demo if there is none, open the dashboard
	$(BIN)/python -m dataeff_core demo
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: $(VENV)/tests.installed ## set up, run the tests
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

check: $(VENV)/tests.installed ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/bench.installed ## speed and truth as ratios, side by side in one run
	$(BIN)/python -m tests.bench $(BENCH_OPTIONS)

lock: $(BIN)/python ## write the locked versions anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.txt $(LOCK) -o tests/requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra bench -c tests/requirements.txt $(LOCK) \
		-o tests/bench/requirements.txt
LOCK := --universal --python-version 3.11 --no-emit-index-url --no-annotate --quiet
lock: export UV_CUSTOM_COMPILE_COMMAND := make lock

clean: ## remove the virtual environment and caches; never the workspace
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artifacts

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11; run: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

# A stamp is the list it was installed from, so that nothing is done again while the list stays the same.
$(VENV)/runtime.installed: requirements.txt | $(BIN)/python
$(VENV)/tests.installed: tests/requirements.txt | $(BIN)/python
$(VENV)/bench.installed: tests/bench/requirements.txt | $(BIN)/python
$(VENV)/%.installed:
	@cmp -s $< $@ || $(MAKE) --no-print-directory install LIST=$<
	@cp $< $@

# uv is many times faster; where it cannot be had, pip does the same work. Compiled at once, as pip does: else every
# process compiles pandas and streamlit anew where Python may not write beside them, and starts three times slower.
.PHONY: install
install:
	@echo "installing $(LIST) ..."
	@$(BIN)/python -m pip install --quiet uv && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r $(LIST) || \
		$(BIN)/python -m pip install --quiet -r $(LIST)
