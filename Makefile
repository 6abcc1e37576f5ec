# Everything that one does with this project. Nothing needs to be set up first but Rust (1.95 or
# newer), Python (3.11 or newer) and a C compiler; `make help` lists what there is.
#
# Where things go: Python packages into .venv, compiled Rust into one cargo target directory that all
# clones share (OXIDASK_TARGET_DIR, by default oxidask/target below ~/.cache), tools beside it.
#
# One profile, `release`, serves the wheel, the demo, the tests and the benchmarks, so that each
# third-party crate is compiled once. The tests add our own debug assertions to it
# (.ci/test-profile.toml); clippy runs under it too, to share build scripts and procedural macros.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
# The parts of a target share .venv and one cargo lock: side by side they would only wait.
.NOTPARALLEL:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(CURDIR)/$(VENV)/bin/python
BENCH_VENV := .venv-bench
STAMPS := $(VENV)/.stamps
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/oxidask
export OXIDASK_TARGET_DIR ?= $(CACHE)/target
export OXIDASK_PYTHON := $(PY)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH):$(CACHE)/tools/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

# Runs a command with the shared target directory (and says there what must be minded).
SHARED := $(PYTHON) .ci/shared_target.py
CARGO := $(SHARED) cargo
TEST_PROFILE := --config .ci/test-profile.toml
# The binding is a Python extension: it links only inside Python, and its tests are Python's.
RUST_TESTS := --workspace --exclude oxidask-py
RUST_SOURCES := $(shell find crates -type f -not -name '*.pyc' 2>/dev/null) \
	Cargo.toml Cargo.lock pyproject.toml
RUST_EXAMPLES := $(notdir $(basename $(wildcard crates/oxidask/examples/*.rs)))
# The plain client needs a cluster, which its tests give it.
PYTHON_EXAMPLES := $(filter-out examples/plain_python_client.py,$(wildcard examples/*.py))

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------ what is set up

$(STAMPS)/venv:
	@.ci/check-tools "$(PYTHON)"
	@echo "== Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/maturin: $(STAMPS)/venv
	@$(PY) -m pip install 'maturin>=1.9,<2' && touch $@

# The requirements of one purpose, installed once and again when their file changes.
define REQUIREMENTS
$$(STAMPS)/$(1)-requirements: $(2) $$(STAMPS)/venv
	@echo "== Python packages of $(2)"
	@$$(PY) -m pip install -r $(2) && touch $$@
endef
$(eval $(call REQUIREMENTS,test,python/tests/requirements.txt))
$(eval $(call REQUIREMENTS,lint,.ci/requirements-lint.txt))
$(eval $(call REQUIREMENTS,demo,examples/requirements.txt))

# cargo-nextest goes beside the shared target directory, for all clones. It is compiled without
# optimisation, in a third of the time: it only waits for the tests.
.PHONY: nextest
nextest:
	@command -v cargo-nextest >/dev/null || { \
		echo "== cargo-nextest, once for all clones (a few minutes)"; \
		$(CARGO) install --quiet --locked --debug --root $(CACHE)/tools cargo-nextest; }

# Editable: the Python sources are used where they lie, so only Rust makes this run again.
$(STAMPS)/build: $(STAMPS)/maturin $(RUST_SOURCES)
	@.ci/check-tools "$(PYTHON)"
	@echo "== oxidask, release build into $(VENV)"
	@$(SHARED) $(VENV)/bin/maturin develop --release --quiet
	@touch $@

# ------------------------------------------------------------------------------ what one does

.PHONY: build
build: $(STAMPS)/build ## a release build, installed in .venv

.PHONY: demo
demo: $(STAMPS)/build $(STAMPS)/demo-requirements ## the main job on the real NYC flights of 2013
	@$(PY) -m oxidask demo

.PHONY: test
test: test-rust test-python test-examples ## all tests: Rust, Python, docstrings and examples

.PHONY: test-rust
test-rust: nextest
	@echo "== Rust tests"
	@$(CARGO) nextest run $(RUST_TESTS) --cargo-profile release $(TEST_PROFILE)
	@echo "== Rust documentation tests"
	@$(CARGO) test $(RUST_TESTS) --doc --release --quiet $(TEST_PROFILE)

.PHONY: test-python
test-python: $(STAMPS)/build $(STAMPS)/test-requirements
	@echo "== Python tests and docstrings"
	@$(PY) -m pytest python/tests python/oxidask

.PHONY: test-examples
test-examples: $(STAMPS)/build $(STAMPS)/test-requirements $(STAMPS)/demo-requirements
	@for name in $(RUST_EXAMPLES); do \
		echo "== Rust example $$name"; \
		$(CARGO) run --quiet --release $(TEST_PROFILE) -p oxidask --example $$name; done
	@for file in $(PYTHON_EXAMPLES); do \
		echo "== Python example $$file"; \
		$(PY) $$file; done

.PHONY: loom
loom: ## every interleaving of the runtime's hand-written synchronisation, within bounds
	@echo "== loom"
	@RUSTFLAGS="--cfg loom" $(CARGO) test --quiet -p oxidask-runtime --release --test loom --target-dir $(OXIDASK_TARGET_DIR)/loom

.PHONY: sim
sim: ## a thousand histories of simulated clusters, with faults; each is its seed's
	@echo "== simulated clusters"
	@$(CARGO) xtask sim

.PHONY: mutants
mutants: ## whether the simulator notices machines that are wrong
	@$(CARGO) xtask mutants

.PHONY: lint
lint: lint-rust lint-python ## formatting, clippy, house rules, types, stubs

.PHONY: lint-rust
lint-rust:
	@.ci/check-tools "$(PYTHON)"
	@echo "== rustfmt"
	@cargo fmt --all --check
	@echo "== clippy"
	@$(CARGO) clippy --quiet --release --workspace --all-targets -- -D warnings
	@echo "== house rules"
	@$(CARGO) xtask tidy
	@if command -v cargo-deny >/dev/null; then echo "== cargo deny"; cargo deny --log-level error check; fi

.PHONY: lint-python
lint-python: $(STAMPS)/build $(STAMPS)/lint-requirements
	@echo "== ruff"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@echo "== mypy"
	@$(PY) -m mypy
	@echo "== stubs of the native module"
	@$(CARGO) xtask stubs --check

.PHONY: bench
bench: $(STAMPS)/build $(BENCH_VENV)/.stamp ## side by side with the peers; writes the result table
	@$(BENCH_VENV)/bin/python benchmarks/run.py

# An environment of its own, so that the peers' requirements never decide what the tests run with.
# The package is the one of `make build`: a path to the sources, with the module built there.
$(BENCH_VENV)/.stamp: benchmarks/requirements.txt
	@.ci/check-tools "$(PYTHON)"
	@echo "== Python environment of the benchmarks in $(BENCH_VENV)"
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install -r benchmarks/requirements.txt
	@echo "$(CURDIR)/python" > "$$($(BENCH_VENV)/bin/python -c \
		'import sysconfig; print(sysconfig.get_path("purelib"))')/oxidask.pth"
	@touch $@

.PHONY: conformance
conformance: $(STAMPS)/build $(STAMPS)/test-requirements ## the peers' own tests against us; writes conformance/scores.md
	@$(PY) conformance/score.py

.PHONY: docs
docs: ## the Rust reference with its private parts, without warnings
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --quiet --release --workspace --no-deps --document-private-items
	@echo "docs: $(OXIDASK_TARGET_DIR)/doc/oxidask/index.html; the guide is docs/"

.PHONY: clean
clean: ## remove what was built in this clone (the shared target directory stays)
	@rm -rf $(VENV) $(BENCH_VENV) dist demo-output python/oxidask/*.so
	@rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean: compiled crates stay in $(OXIDASK_TARGET_DIR)"
