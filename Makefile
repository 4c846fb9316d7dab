# Needs Python 3.11, 3.12 or 3.13 and a package index that pip can reach. `make help` lists the targets.

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

# The first Python that TensorFlow has wheels for; `make PYTHON=...` names another.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	"$$python" -c "$(SUPPORTED)" 2>/dev/null && echo "$$python" && break; done)

# Few steps, so that all of it takes less than five minutes on two cores: in seconds of processor time 9 for the images, 198
# for training, 83 for conversion, some 20 for the rest. The rate is low, since the warm start knows such shapes already:
# from its AP of 0.622, these lead to 0.629, and 80 steps at a rate of 0.03 down to 0.598. 250 at 0.03 reach 0.66:
# make demo DEMO_STEPS=250 DEMO_RECIPE='--rate 0.03 --backbone-rate 1'. The backbone has seen nothing but such shapes, and
# has more to learn than one that has seen photographs.
DEMO_STEPS ?= 100
DEMO_RECIPE ?= --rate 0.01 --backbone-rate 1
DEMO_INT8 := demo/run/export/detector_int8.tflite

# Two at most: each has a TensorFlow, and what it trains takes more than one core for itself.
WORKERS := --numprocesses logical --maxprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-arm64 lint docs docs-serve docs-links release-check clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   train, convert, evaluate and run a detector on generated images; see demo/ (5 minutes, and the packages)"
	@echo "make test   run all tests; make test ARGS='-k metadata' runs some, ARGS='-n 0' all in one process"
	@echo "make test-arm64  run the kit in a Raspberry Pi's system, by emulation (minutes; on Debian 12)"
	@echo "make lint   check style (ruff), types (mypy) and for dead code (vulture)"
	@echo "make docs   build the documentation into site/; a link that leads nowhere is an error"
	@echo "make docs-serve  the same, and serve it at http://127.0.0.1:8123/ until it is ended"
	@echo "make docs-links  try the pages' links to the web, which nothing else does"
	@echo "make release-check  build wheel and sdist, and install them with each extra on each Python here (an hour)"
	@echo "make clean  remove .venv, demo/ and site/"

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
	@echo "demo/sheet.png      what it finds in twelve images that it has never seen, at the threshold in its file"
	@echo "demo/run            the run; demo/run/export has the .tflite files"

test: $(INSTALLED)
	@$(PY) -m pytest $(WORKERS) $(ARGS)

test-arm64: $(INSTALLED)
	@$(PY) -m pytest -rs tests/arm64/resolution.py tests/arm64/boards.py $(ARGS)

lint: $(INSTALLED)
	@$(PY) -m ruff check
	@$(PY) -m mypy
	@$(PY) -m vulture

docs: $(INSTALLED)
	@$(PY) -m docs.generator

docs-links: $(INSTALLED)
	@$(PY) -m docs.generator --check-online

docs-serve: docs
	@$(PY) -m http.server --directory site --bind 127.0.0.1 8123

# Needs nothing but Python: it makes the environments that it needs.
release-check:
	@$(PYTHON) -m tests.support.release $(ARGS)

clean:
	rm -rf $(VENV) demo site build/docs

$(PY):
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml constraints.txt | $(PY)
	@echo "installing TensorFlow and the rest into $(VENV); the first time this takes some minutes"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[train,convert,dev,docs]' --constraint constraints.txt
	@touch $@
