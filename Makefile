# Two commands: `make` runs the study, `make test` runs the tests. Both need Python 3.11 to 3.13 and a package index.
PYTHON ?= python3
CORES ?= all
ARGS ?=
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/ready
# uv does not read pip's settings: hand them over, so that a mirror set for pip serves both.
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
ifneq ($(PIP_CERT),)
export SSL_CERT_FILE ?= $(PIP_CERT)
endif
ifeq ($(UV_DEFAULT_INDEX),)
unexport UV_DEFAULT_INDEX
endif

.PHONY: study test test-laws test-slurm test-crate reference lint format lock slurm-extra crate-extra clean help
study: $(READY)  ## run the whole study (default)
	@$(BIN)/snakemake --cores $(CORES) $(ARGS)
	@echo "The report: $$(ls -t results/*/open/report.html | head -n 1)"

test: $(READY)  ## run the tests (ARGS='-k markers' for some of them)
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-laws: $(READY)  ## search with new random examples for one that breaks a law that the tests state
	@DECIDUA_EXAMPLES=new $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m hypothesis $(ARGS)

test-slurm: study  ## run the study on a real Slurm cluster that is made on this machine (Debian, as root)
	@$(MAKE) --no-print-directory VENV=.venv-slurm slurm-extra
	@$(CURDIR)/.venv-slurm/bin/python -m pytest tests/slurm $(ARGS)

test-crate: study  ## validate the study's RO-Crate with roc-validator, in an environment of its own
	@$(MAKE) --no-print-directory VENV=.venv-crate crate-extra
	@$(CURDIR)/.venv-crate/bin/python -m pytest tests/unit/test_crate.py $(ARGS)

lint: $(READY)  ## format and lint checks, as in CI
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

reference: study  ## renew tests/reference/default from a run of the default study; review the diff
	@$(BIN)/snakemake --cores 1 write_reference --config against=tests/reference/default
	@git --no-pager diff --stat -- tests/reference/default

format: $(READY)  ## put the code in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

lock: $(READY)  ## resolve pyproject.toml anew: the locks of the base and of the extras (the tests say what envs/ must say)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-header --upgrade --extra test pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-header --constraint requirements.lock --extra slurm pyproject.toml -o requirements-slurm.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-header --constraint requirements.lock --extra crate --extra test pyproject.toml -o requirements-crate.lock

slurm-extra: $(READY)  ## add the Slurm executor (makes every start of Snakemake ask for a Slurm controller)
	$(BIN)/uv pip install --quiet --require-hashes --compile-bytecode --requirement requirements-slurm.lock --python $(BIN)/python

crate-extra: $(READY)
	$(BIN)/uv pip install --quiet --require-hashes --requirement requirements-crate.lock --python $(BIN)/python

clean:  ## remove the environment; results stay
	rm -rf .venv .venv-slurm .venv-crate

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

# Fast path: uv, itself taken with its hash from the lock. Without uv, pip does the same more slowly. Both compile to
# bytecode once, for the many short processes of a run, some of which may not write here.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Decidua needs Python 3.11, 3.12 or 3.13; %s is %d.%d. Name another: make PYTHON=python3.11" % ((sys.executable,) + v))'
	@echo "Setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^[a-z]/{keep = /^uv==/} keep' requirements.lock > $(VENV)/uv.lock
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.lock \
	    && $(BIN)/uv pip install --quiet --require-hashes --compile-bytecode --requirement requirements.lock --python $(BIN)/python; then :; \
	else echo "uv could not be used; installing with pip"; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock; fi
	@touch $@
