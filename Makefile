# Each target does its own set-up from a fresh clone. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt

SETUP := pyproject.toml constraints.txt
TRAIN := $(VENV)/.train-installed
DEV := $(VENV)/.dev-installed
PLAYERS := tests/players/node_modules/.installed

.PHONY: help demo test lint clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:
	@echo "make demo    the whole pipeline on the built-in virtual amp, in demo/"
	@echo "make test    ruff, mypy and the tests"
	@echo "make lint    ruff and mypy alone"
	@echo "make clean   remove what make made: .venv, demo, caches"

demo: $(TRAIN)
	$(BIN)/ampsweep demo demo

test: lint $(PLAYERS)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not realtime"
	$(BIN)/python -m pytest -m realtime

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo tests/players/node_modules *.egg-info build dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo \
	  "ampsweep needs Python 3.11 or later as $(PYTHON); name another one: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
	  "Python has no venv module; install it (on Debian: apt install python3-venv)." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# torch by itself, and first: no other package may choose another one.
$(TRAIN): $(SETUP) | $(BIN)/python
	@echo "Installing ampsweep into $(VENV): the first time this takes some minutes."
	$(PIP) torch==2.13.0
	$(PIP) -e ".[train]"
	@touch $@

$(DEV): $(TRAIN)
	$(PIP) -e ".[train,dev]"
	@touch $@

$(PLAYERS): tests/players/package.json
	@command -v npm >/dev/null || { echo \
	  "The tests play snapshots under node; run scripts/system-packages.sh first." >&2; exit 2; }
	cd tests/players && npm install --no-package-lock --no-audit --no-fund --silent
	@touch $@
