# Everything runs in a virtual environment of the project's own, .venv, made on first use.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test check format bench wheel fuzz pretrained
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: .venv/installed  ## set everything up, get the data, train, evaluate, predict
	@set -e; PATH="$(CURDIR)/$(BIN):$$PATH"; drawn=; \
	if ! (set -x; mnistnet download); then \
		drawn="This was all with drawn digits, not with MNIST, of which there was no mirror in reach."; \
		echo "Without MNIST: going on with drawn digits, which are not MNIST."; \
		MNISTNET_DATA=$$(env -u MNISTNET_DATA mnistnet download --synthetic | sed -n 's/^in //p'); \
		test -n "$$MNISTNET_DATA"; export MNISTNET_DATA; \
	fi; \
	(set -x; mnistnet train; mnistnet eval; mnistnet predict test:0 test:1 test:2 test:3); \
	test -z "$$drawn" || echo "$$drawn"

test: .venv/tested  ## set everything up and run every test
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --cov

check: .venv/tested  ## lint, format check, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/tested  ## fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/tested  ## the benchmarks
	@for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

wheel: .venv/tested  ## build the wheel, install it into a clean environment, and try it
	@rm -rf .venv/wheel; $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir .venv/wheel .
	$(PYTHON) -m venv .venv/wheel/venv
	.venv/wheel/venv/bin/python -m pip install --quiet .venv/wheel/*.whl
	cd .venv/wheel && venv/bin/mnistnet --version
	cd .venv/wheel && venv/bin/python -c "from PIL import Image, ImageDraw; \
		picture = Image.new('L', (60, 80), 255); ImageDraw.Draw(picture).line([30, 12, 30, 68], 0, 6); \
		picture.save('one.png')"
	cd .venv/wheel && venv/bin/mnistnet predict one.png | grep -E '^one.png +1 '
	cd .venv/wheel && venv/bin/mnistnet page

fuzz: .venv/tested  ## look for files that break what reads them, five minutes for each kind
	$(BIN)/python -m pip install --quiet --group fuzz
	@for kind in idx weights picture; do echo "== $$kind"; $(BIN)/python tests/fuzz.py $$kind -max_total_time=300 || exit 1; done

pretrained: .venv/installed  ## rebuild the weights that ship, and tell how good they are
	$(BIN)/mnistnet train --hidden 640 --hidden 256 --epochs 200 --warps 4 --weight-decay 5e-5 \
		--drawn 16000 --nondigits 12000 --weights mnistnet/pretrained.npz
	$(BIN)/python tests/bench/calibrate.py mnistnet/pretrained.npz
	$(BIN)/mnistnet eval --weights mnistnet/pretrained.npz --split validation
	$(BIN)/mnistnet eval --weights mnistnet/pretrained.npz

.venv/installed: pyproject.toml
	$(PYTHON) -m venv --upgrade-deps .venv
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# What testing needs beyond that.
.venv/tested: .venv/installed
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
