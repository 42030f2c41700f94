# Everything starts here: `make demo` plays a week of the scheme, `make test` proves it. Both set up what they need.
#   make demo ARGS="--students 120000"      arguments of `atouts demo` (make demo -- --no-serve works as well)
#   make test ARGS="tests/ledger -k wallet" arguments of pytest

SHELL := /bin/sh
BIN := .venv/bin
# What follows `--` on make's own command line reads as goals to make.
override ARGS += $(filter --%,$(MAKECMDGOALS))

.PHONY: help demo test lint bench simulate setup packages clean

help:
	@echo "make demo      play one real week of the scheme, then leave the portal open (Ctrl-C ends everything)"
	@echo "make test      run the tests"
	@echo "make lint      check style, types and the arrows between the rooms"
	@echo "make bench     measure the hot paths"
	@echo "make simulate  play a day at the tills in which everything breaks, then prove the books (SEED=7 plays it again)"
	@echo "make clean     remove what was set up here, but no data"

demo: setup
	@$(BIN)/atouts demo $(ARGS)

test: setup packages
	@$(BIN)/pytest -n logical $(ARGS)

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup
	@for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench $(ARGS) || exit 1; done

simulate: setup
	@$(BIN)/python -m tests.journeys.simulate $(if $(SEED),--seed $(SEED)) $(ARGS)

setup: .venv/.ready

# uv makes the environment from the lock file, also where Python comes without venv; pip only fetches uv. It trusts the
# system's certificates where there are any, so that it works wherever pip does.
.venv/.ready: pyproject.toml uv.lock
	@if [ ! -x .tools/bin/uv ] && python3 -m pip --version >/dev/null 2>&1; then \
	  echo "Fetching uv, which sets up the rest ..."; \
	  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --upgrade --target .tools uv; \
	fi
	@uv=.tools/bin/uv; [ -x $$uv ] || uv=uv; \
	command -v $$uv >/dev/null || { echo "This needs pip (on Debian: apt install python3-pip) or uv on the PATH."; exit 1; }; \
	echo "Setting up the Python packages, once: a few seconds to a minute ..."; \
	[ ! -e /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS=true; \
	UV_PROJECT_ENVIRONMENT=.venv $$uv sync --locked --quiet
	@touch $@

# The browser of the page tests, the bar code library of the till, a font to draw with.
PACKAGES := chromium libzbar0 fonts-dejavu-core
packages:
	@missing=; \
	command -v chromium >/dev/null || missing=chromium; \
	$(BIN)/python -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library("zbar"))' || missing="$$missing libzbar"; \
	[ -z "$$missing" ] && exit 0; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	if command -v apt-get >/dev/null && $$sudo true 2>/dev/null; then \
	  echo "Installing $(PACKAGES) for the tests ..."; \
	  { $$sudo apt-get update -qq && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES); } >/dev/null 2>&1 && exit 0; \
	fi; \
	echo "Left out, as $$missing is missing and may not be installed from here: the tests that need it (see the list of skipped tests)."

clean:
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A flag given after `--`, already in ARGS, is nothing to make.
--%:
	@:
