# Needs Python 3.11, 3.12 or 3.13 and a package index that pip can reach. `make help` lists the targets.

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

# The first Python that TensorFlow has wheels for; `make PYTHON=...` names another.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	"$$python" -c "$(SUPPORTED)" 2>/dev/null && echo "$$python" && break; done)

# From the warm start, this many steps reach the figures in README. Its backbone has seen nothing but such
# shapes, and has more to learn than one that has seen photographs.
DEMO_STEPS ?= 250
DEMO_RECIPE := --rate 0.03 --backbone-rate 1
DEMO_INT8 := demo/run/export/detector_int8.tflite

# Two at most: each has a TensorFlow, and what it trains takes more than one core for itself.
WORKERS := --numprocesses logical --maxprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-arm64 lint clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   train, convert, evaluate and run a detector on generated images; see demo/ (15 minutes)"
	@echo "make test   run all tests; make test ARGS='-k metadata' runs some, ARGS='-n 0' all in one process"
	@echo "make test-arm64  run the kit in a Raspberry Pi's system, by emulation (minutes; on Debian 12)"
	@echo "make lint   check style (ruff), types (mypy) and for dead code (vulture)"
	@echo "make clean  remove .venv and demo/"

demo: $(INSTALLED)
	rm -rf demo
	$(PY) -m train.generate demo/data --video demo/shapes.mp4
	$(PY) -m train.generate demo/unseen --images 12 --seed 1
	$(PY) -m train demo/data --init train/warm_start --steps $(DEMO_STEPS) --batch 8 --seed 0 $(DEMO_RECIPE) --out demo/run
	$(PY) -m convert --fp16 --int8 --run demo/run
	$(PY) -m convert.benchmark demo/run > demo/table.txt
	$(PY) -m runtime $(DEMO_INT8) --source demo/shapes.mp4 --out demo/annotated.mp4 --json demo/detections.jsonl
	$(PY) -m runtime $(DEMO_INT8) --source demo/unseen/JPEGImages --out sheet:demo/sheet.png
	@echo
	@cat demo/table.txt
	@echo
	@echo "demo/table.txt      the table above"
	@echo "demo/annotated.mp4  the int8 detector on a video (demo/detections.jsonl has the boxes)"
	@echo "demo/sheet.png      the int8 detector on twelve images that it has never seen"
	@echo "demo/run            the run; demo/run/export has the .tflite files"

test: $(INSTALLED)
	@$(PY) -m pytest $(WORKERS) $(ARGS)

test-arm64: $(INSTALLED)
	@$(PY) -m pytest -rs tests/arm64/resolution.py tests/arm64/boards.py $(ARGS)

lint: $(INSTALLED)
	@$(PY) -m ruff check
	@$(PY) -m mypy
	@$(PY) -m vulture

clean:
	rm -rf $(VENV) demo

$(PY):
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml constraints.txt | $(PY)
	@echo "installing TensorFlow and the rest into $(VENV); the first time this takes some minutes"
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[train,convert,dev]' --constraint constraints.txt
	@touch $@
