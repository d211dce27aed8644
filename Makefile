# make demo   makes the environment, moves a classifier from RGB to depth on the embedded data, and compares methods
# make test   runs all checks, as CI does
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.PHONY: demo test lint bench clean

demo: $(INSTALLED)
	$(BIN)/sfcmt run demo --oracles
	$(BIN)/sfcmt ablate tuning/ablations/demo-methods.yaml --jobs 2

# one worker more than cores, as many tests wait for processes; neighbours stay together, as they share clusters
test: lint
	$(BIN)/pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.tgkt_step
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.search_overhead

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[tuning,reports,s3,postgres,lite0,dev]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) sfcmt-store mlflow.db mlruns
