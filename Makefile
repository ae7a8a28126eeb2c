# Two commands matter: `make chat` (talk to the bot) and `make test` (prove it).
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: chat demo test check lock clean

chat: $(READY)  ## open the bot in this terminal, on embedded storage and its own stand-ins
	@$(BIN)/python run.py chat

demo: $(READY)  ## one whole payment, played by itself
	@$(BIN)/python run.py demo

test: check  ## everything: check, transcripts, tests
	@$(BIN)/python -m pytest

check: $(READY)  ## formatting, lint, types, import rules, dialogs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m dialogs.check

lock: $(READY)  ## pin what requirements.in asks for, with hashes and without addresses
	@$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --allow-unsafe --output-file requirements.txt requirements.in

$(READY): requirements.txt
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@touch $(READY)

clean:
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
