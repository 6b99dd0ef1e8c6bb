# Everything runs in .venv, a virtual environment that is created on first use.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test soak check format bench wheel pretrained
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/installed  ## set up, download MNIST, train, evaluate, predict
	@set -e; PATH="$(CURDIR)/$(BIN):$$PATH"; drawn=; \
	if ! (set -x; mnistnet download); then \
		drawn="MNIST could not be downloaded: all results above are for drawn digits, not MNIST."; \
		echo "MNIST could not be downloaded: continuing with drawn digits, which are not MNIST."; \
		MNISTNET_DATA=$$(env -u MNISTNET_DATA mnistnet download --synthetic | sed -n 's/^in //p'); \
		test -n "$$MNISTNET_DATA"; export MNISTNET_DATA; \
	fi; \
	(set -x; mnistnet train; mnistnet eval; mnistnet predict test:0 test:1 test:2 test:3); \
	test -z "$$drawn" || echo "$$drawn"

test: .venv/tested  ## set up and run the tests, but for the long ones
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --cov

soak: .venv/tested  ## run the long tests, and fuzz the readers of files for five minutes each
	$(BIN)/python -m pytest -n auto --maxprocesses 8 -m soak
	$(BIN)/python -m pip install --quiet --group fuzz
	@for kind in idx weights picture; do echo "== $$kind"; $(BIN)/python tests/fuzz.py $$kind -max_total_time=300 || exit 1; done

check: .venv/tested  ## check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/tested  ## format the code and fix what ruff can fix
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/tested  ## run the benchmarks
	@for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

wheel: .venv/tested  ## build the wheel and try it in a clean environment
	@rm -rf .venv/wheel; $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir .venv/wheel .
	$(PYTHON) -m venv .venv/wheel/venv
	.venv/wheel/venv/bin/python -m pip install --quiet .venv/wheel/*.whl
	cd .venv/wheel && venv/bin/mnistnet --version
	cd .venv/wheel && venv/bin/python -c "from PIL import Image, ImageDraw; \
		picture = Image.new('L', (60, 80), 255); ImageDraw.Draw(picture).line([30, 12, 30, 68], 0, 6); \
		picture.save('one.png')"
	cd .venv/wheel && venv/bin/mnistnet predict one.png | grep -E '^one.png +1 '
	cd .venv/wheel && venv/bin/mnistnet page

pretrained: .venv/installed  ## train, calibrate and evaluate the bundled weights again
	$(BIN)/mnistnet train --hidden 1100,450 --epochs 500 --warps 5 --strength 1.4 --widen 0.3 --weight-decay 2e-5 \
		--drawn 15000 --nondigits 16000 --weights mnistnet/pretrained.npz
	$(BIN)/python tests/bench/calibrate.py mnistnet/pretrained.npz
	$(BIN)/mnistnet eval --weights mnistnet/pretrained.npz --split validation
	$(BIN)/mnistnet eval --weights mnistnet/pretrained.npz

.venv/installed: pyproject.toml
	$(PYTHON) -m venv --upgrade-deps .venv
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/tested: .venv/installed
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
