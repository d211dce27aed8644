# make demo      makes the environment, and moves a classifier from RGB to depth on the embedded data: minutes
# make compare   seven methods by five seeds on the same data
# make check     for every commit: lint, types (of what has changed), and all tests that are quick and start nothing
# make test      all checks, lint and types among them, as CI does, but for tests that take minutes each: make test-long
# make test-oldest   the tests that start nothing, and some that do, with the oldest releases that pyproject.toml admits;
#                    installs gigabytes (CUDA)
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
EXTRAS = tuning,reports,s3,postgres,onnx,hf,lite0,fast,dev
OLDEST = .venv-oldest

# processes of tests are many: none compiles anew what another has compiled
unexport PYTHONDONTWRITEBYTECODE

CORES = $$(getconf _NPROCESSORS_ONLN)
# a module, or a group of modules that share a cluster, stays on one worker; what takes longest begins first
PYTEST = $(BIN)/pytest --dist loadgroup --no-loadscope-reorder

.PHONY: demo compare check test test-long test-oldest lint bench clean

demo: $(INSTALLED)
	$(BIN)/sfcmt demo

compare: $(INSTALLED)
	$(BIN)/sfcmt ablate tuning/ablations/demo-methods.yaml --jobs 2

check: lint
	$(PYTEST) -n $(CORES) -m "not slow"

# one worker more than cores, as many tests wait for processes
test: $(INSTALLED)
	$(PYTEST) -n $$(($(CORES) + 1))

test-long: $(INSTALLED)
	$(PYTEST) -n $(CORES) -m long

# test_files.py is about shipped files, which the oldest linters cannot check. Beside the quick tests, those of what Ray, Optuna and MLflow must do; by hand: CI would load CUDA in vain
test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/pytest -m 'not slow' --ignore=tests/clusters/test_files.py
	$(OLDEST)/bin/pytest tests/clusters/test_train.py tests/tuning/test_tracker.py tests/tuning/search/test_optuna_study.py \
		tests/tuning/search/test_end_to_end.py::test_search_ends_with_a_winner_and_one_run_per_trial

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.tgkt_step
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.search_overhead
	$(BIN)/python -m benchmarks.loading

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $(INSTALLED)

# Python 3.11, since those releases have no wheels for newer ones. What they need in turn is of a day when they were new:
# much of it has left them behind since
$(OLDEST)/.installed: pyproject.toml
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet uv
	$(OLDEST)/bin/uv pip install --quiet --compile-bytecode --python $(OLDEST)/bin/python --resolution lowest-direct \
		--exclude-newer 2026-05-01 --editable '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf $(VENV) sfcmt-store mlflow.db .mlflow.db.lock mlruns
