# make demo   train, label the example articles and write build/demo/report.html
# make test   lint, types and tests
# make branches  the tests, measured: which branches of classifier/ none of them takes
# make train  rebuild models/default from seeds/ and labels/
# make bench  measure speed side by side, as ratios; results in bench/results
# make coverage  simulate how often intervals of corrected shares hold the truth: docs/coverage.md
# make mutants  change the code in small ways and show which changes no test notices: docs/mutation.md
# Each sets up its own environment in .venv; only Python >= 3.10, make and a package registry are needed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Compiled code is kept beside the environment; code that has changed is compiled anew.
export NUMBA_CACHE_DIR := $(CURDIR)/$(VENV)/compiled-$(shell cat classifier/*.py | cksum | cut -d' ' -f1)

.PHONY: demo test lint branches train bench coverage mutants clean

demo: $(VENV)/demo.stamp
	@$(BIN)/fupin demo -o build/demo

test: lint
	$(BIN)/python -m pytest -q

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Branches of compiled code cannot be seen: its tests run once more as plain Python, but for one that
# would take hours. A process that may write no file leaves an empty one.
COMPILED := cue_matching cutting normalise scoring segments tries
MEASURED := $(BIN)/python -m coverage run -m pytest -q
branches: $(VENV)/test.stamp
	rm -rf build/branches
	mkdir -p build/branches
	$(MEASURED)
	NUMBA_DISABLE_JIT=1 $(MEASURED) -k "not starter_corpus" \
	  $(COMPILED:%=tests/test_%.py) $(COMPILED:%=classifier/%.py)
	find build/branches -empty -delete
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage json -q --fail-under=0 -o build/branches/branches.json
	$(BIN)/python -m coverage report --show-missing --skip-covered
	$(BIN)/python scripts/branches.py build/branches/branches.json

# The figures on real documents can be made only where these are.
SHARED := ../shared
GOLD   := docs/examples_gold.jsonl $(wildcard $(SHARED)/gold/seeds_dev.jsonl)
NEWS   := $(wildcard $(SHARED)/corpus/news_2012_2021.jsonl.gz)

train: $(VENV)/demo.stamp
	$(BIN)/fupin train -o models/default --agreement labels/agreement.yaml $(GOLD:%=--gold %) \
	  $(if $(NEWS),--gold labels/gold/news_dev.jsonl --texts $(NEWS))

# With --large too it labels a million articles, which takes 12 GB of disk for a while.
BENCH ?= --training --ablation
bench: $(VENV)/bench.stamp
	$(BIN)/python -m bench.speed $(BENCH) -o bench/results/speed.json

# One thread a process: small arrays gain nothing from more.
coverage: $(VENV)/test.stamp
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m bench.intervals -o docs/coverage.md

# Takes an hour or two; PARTS="codebook store" names some parts only.
mutants: $(VENV)/test.stamp
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt mutmut==3.8.1
	$(BIN)/python scripts/mutants.py $(PARTS)

clean:
	rm -rf $(VENV) build dist

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "fupin needs Python 3.10 or newer: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing: install it, such as apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/demo.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	@echo "setting up $(VENV) ..." >&2
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	@echo "setting up $(VENV) for the tests ..." >&2
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/demo.stamp

$(VENV)/bench.stamp: $(VENV)/test.stamp
	@echo "setting up $(VENV) for the benchmarks ..." >&2
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@
