# make setup   everything that babelwire needs, into .venv and the user's cache
# make demo    the whole pipeline on our samples; KEEP=1 leaves it running
# make test    setup, lint and every test
# make lint    ruff and mypy
# make quality what the language work is worth, on the corpora in DATA (../shared/data)
# make chaos   the proof that nothing is lost or doubled, under faults; CHAOS="--messages 5000 …"
# make bench   what it costs, beside the bare engines and beside others; BENCH="--only pipeline …"
# make screenshots  pictures of the live page and of Prometheus' data, into docs/screenshots
# make clean   removes what was built here; the downloads in the user's cache stay

BIN := .venv/bin
CODE := schemas streams agents ops tests
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup demo test lint quality chaos bench screenshots clean

help:
	@sed -n 's/^# //p' $(MAKEFILE_LIST)

setup:
	@ops/setup.sh

demo: setup
	@$(BIN)/python -m ops.demo

test: setup lint
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

DATA ?= ../shared/data
quality: setup
	$(BIN)/python -m ops.quality.furniture $(DATA)/furniture/pages.jsonl
	$(BIN)/python -m ops.quality.language --data $(DATA)
	$(BIN)/python -m ops.quality.translation --data $(DATA) --record ops/quality/translation.jsonl it fr es
	$(BIN)/python -m ops.quality.tagging --data $(DATA)
	$(BIN)/python -m ops.quality.endurance --data $(DATA)

CHAOS ?= --messages 20000 --workers 3 --faults all --seed 1
chaos: setup
	@$(BIN)/python -m ops.chaos $(CHAOS)

BENCH ?= --data $(DATA)
bench: setup
	@$(BIN)/python -m ops.bench $(BENCH)

screenshots: setup
	$(BIN)/python -m ops.screenshots

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
