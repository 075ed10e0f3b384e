# Set up, check, test and show taxonaut. Every target makes what it needs; nothing is assumed but
# Python 3.11+, a package index that pip can reach and, for all but the demo, a C++ compiler.
# The tests need PyTorch: without CUDA and its gigabytes where pip knows of such wheels, as with
#     PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make setup

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := constraints.txt
LATEST := .build/latest
EXTRAS := gguf,train,dev
DEMO := .build/demo
CORE := .build/core
FOLDERS := agents cli conversation evaluation graphs models prompts recommend server state tools workspace
SOURCES := __init__.py __main__.py $(FOLDERS) tests benchmarks scripts

.PHONY: help demo test test-fast test-latest check format setup lock clean
.DEFAULT_GOAL := help

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

define check_python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "taxonaut needs Python 3.11 or newer: name one with  make PYTHON=/path/to/python3.11"; exit 1; }
endef

# $(1): the folder of a virtual environment
define make_environment
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1) || \
	{ rm -rf $(1); echo "no virtual environment could be made: on Debian  apt-get install python3-venv"; exit 1; }
endef

setup: $(READY) ## Make .venv with everything at the versions of constraints.txt, weights included (7 minutes the first time)

$(READY): pyproject.toml $(LOCK)
	$(check_python)
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || \
		{ echo "llama.cpp needs a C++ compiler: on Debian  apt-get install g++  and run make again"; exit 1; }
	@echo "Setting up $(VENV) (llama.cpp is compiled: some 7 minutes on two cores, once)"
	$(call make_environment,$(VENV))
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint $(LOCK) --editable '.[$(EXTRAS)]' || \
		{ echo "the dependencies could not be installed: see pip's message above; pip needs a package index and a C++ compiler"; exit 1; }
	@mkdir -p .typing && ln -sfn .. .typing/taxonaut
	@$(BIN)/taxonaut models pull || \
		{ echo "the model weights could not be pulled: see the message above, then run make again"; exit 1; }
	@touch $@

demo: $(CORE)/.ready ## Label Python packages with PyPI's classifiers (a minute or two of pip the first time, no compiler)
	@$(CORE)/bin/taxonaut demo --yes --workspace $(DEMO)

$(CORE)/.ready: pyproject.toml $(LOCK)
	$(check_python)
	@echo "Installing taxonaut into $(CORE) (a minute or two, once)"
	$(call make_environment,$(CORE))
	@$(CORE)/bin/python -m pip install --disable-pip-version-check --quiet --constraint $(LOCK) --editable . || \
		{ echo "taxonaut could not be installed: see pip's message above; pip needs a package index"; exit 1; }
	@touch $@

test: $(READY) ## Run all tests, two at a time
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

test-fast: $(READY) ## Run the tests that need no llama.cpp, PyTorch, browser or killed processes
	@OMP_NUM_THREADS=1 TAXONAUT_EXAMPLES=10 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not local" $(ARGS)

# A fresh environment with the newest releases that pyproject.toml allows.
define make_latest
@echo "Setting up $(LATEST) with the newest releases"
@rm -rf $(LATEST)
@$(PYTHON) -m venv $(LATEST)
@$(LATEST)/bin/python -m pip install --disable-pip-version-check --quiet --editable '.[$(EXTRAS)]'
endef

test-latest: ## Run all tests with the newest releases, constraints.txt unread; ARGS as for test
	$(make_latest)
	@$(LATEST)/bin/taxonaut models pull
	@OMP_NUM_THREADS=1 $(LATEST)/bin/python -m pytest -n 2 --dist worksteal $(ARGS)

lock: ## Write the newest releases into constraints.txt (after test-latest)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
		{ echo "the lock is made with Python 3.11, the oldest that taxonaut runs on: make lock PYTHON=/path/to/python3.11"; exit 1; }
	$(make_latest)
	@{ echo "# Made by: make lock"; \
		echo "# The versions that make setup installs, found with Python 3.11; what users may install is in pyproject.toml."; \
		$(LATEST)/bin/python -m pip --disable-pip-version-check freeze --exclude-editable > $(LATEST)/frozen.txt && \
		sed -nE 's/^([A-Za-z0-9._-]+==[^+ ]+).*/\1/p' $(LATEST)/frozen.txt; } > $(LATEST)/$(LOCK)
	@mv $(LATEST)/$(LOCK) $(LOCK)

check: $(READY) ## Lint, formatting, types, import arrows
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: $(READY) ## Format and mend what can be mended
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

clean: ## Remove what make made; weights stay in the cache
	@rm -rf $(VENV) .build .typing .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info build
