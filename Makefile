# The same words on a laptop and in CI: setup, demo, test, check, fix, docs, bench, fuzz.
# Everything is made on first use: uv and the virtual environment here, system packages and scanners for this user.
# Compiled once and used again: every command of the tests starts in half the time.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/bash -euo pipefail
PYTHON ?= python3
UV := .uv/bin/uv
BIN := .venv/bin
SYSTEM_PACKAGES := git chromium postgresql fonts-dejavu-core libxml2-utils
# What runs containers in the tests. An engine that is there already is used as it is: Debian's would replace it.
CONTAINER_PACKAGES := buildah docker-registry iproute2 iptables mariadb-client mariadb-server-core openssl podman slirp4netns util-linux \
    $(if $(shell command -v dockerd),,docker.io)
DEMO_TOOLS := gitleaks detect-secrets bandit semgrep ruff pip-audit checkov hadolint trivy cyclonedx

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fix docs bench fuzz lock system scanners demo-scanners npm-tools wheels

help:
	@echo "make demo   set up what it needs, run the pipeline of examples/planetary-api, show the verdict"
	@echo "make demo-todo   the same of examples/todo, which passes"
	@echo "make test   set up everything, run all checks and tests"
	@echo "make fuzz   look for input that breaks a reader: make fuzz SECONDS=600 TARGETS='trivy vex'"
	@echo "make check  ruff and mypy   make fix  format   make docs  generated schemas   make bench  the README's figures"

$(UV):
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: -r locks/requirements-uv.txt

.venv/.made: $(UV) pyproject.toml locks/requirements-dev.txt
	$(UV) venv --quiet --clear --python $(PYTHON) .venv
	$(UV) pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes --only-binary :all: -r locks/requirements-dev.txt
	$(UV) pip install --quiet --compile-bytecode --python .venv/bin/python --no-deps --editable .
	touch $@

# What the demo's advisory database is filled from where the internet is not there: see examples/demo.py.
.lab/.made: $(UV) locks/requirements-lab.txt
	$(UV) venv --quiet --clear --python $(PYTHON) .lab
	$(UV) pip install --quiet --python .lab/bin/python --no-deps --require-hashes --only-binary :all: -r locks/requirements-lab.txt
	touch $@

demo-scanners: .venv/.made
	$(BIN)/hardgate tools sync $(DEMO_TOOLS)

scanners: .venv/.made
	$(BIN)/hardgate tools sync --all

# Tools of the tests that come from npm: in the versions and with the checksums of the lock files beside them.
npm-tools:
	@command -v npm >/dev/null || tests/lab/system-packages nodejs npm
	@for file in tests/lab/npm/*/package.json; do \
	    (cd "$$(dirname "$$file")"; [ node_modules/.package-lock.json -nt package-lock.json ] || \
	        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); done

system:
	@tests/lab/system-packages $(SYSTEM_PACKAGES) $(CONTAINER_PACKAGES)

# What the images of the examples install: the engine of the tests has no route out.
WHEELS := tests/lab/containers/wheels
wheels: $(WHEELS)/.made
$(WHEELS)/.made: $(UV) $(patsubst %Dockerfile,%requirements.txt,$(wildcard examples/*/Dockerfile))
	mkdir -p $(WHEELS)
	for file in $(filter-out $(UV),$^); do \
	    .uv/bin/python -m pip download --quiet --disable-pip-version-check --only-binary :all: --dest $(WHEELS) --requirement "$$file"; done
	touch $@

setup: system .venv/.made .lab/.made scanners npm-tools wheels

demo: .venv/.made .lab/.made demo-scanners
	@$(BIN)/python examples/demo.py

.PHONY: demo-todo
demo-todo: .venv/.made .lab/.made demo-scanners
	@$(BIN)/python examples/demo.py todo

test: setup check
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

check: .venv/.made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: .venv/.made
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.made
	$(BIN)/python docs/generate.py

bench: setup
	$(BIN)/python -m bench.overhead
	$(BIN)/python -m bench.hooks
	$(BIN)/python -m bench.secrets
	$(BIN)/python -m bench.detection
	$(BIN)/python -m bench.together
	$(BIN)/python -m bench.designs
	$(BIN)/python -m bench.rules
	$(BIN)/python -m bench.churn
	$(BIN)/python -m bench.scale
	$(BIN)/python docs/generate.py

SECONDS ?= 60
TARGETS ?=
.venv/.fuzz-made: .venv/.made locks/requirements-fuzz.txt
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes --only-binary :all: -r locks/requirements-fuzz.txt
	touch $@

fuzz: .venv/.fuzz-made
	nice $(BIN)/python -W ignore -m tests.fuzz --seconds $(SECONDS) $(TARGETS)

lock: $(UV)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra postgresql \
	    --group dev --group examples pyproject.toml -o locks/requirements-dev.txt
	echo uv | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o locks/requirements-uv.txt
	echo cordon-scanner==0.6.0 | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-deps - -o locks/requirements-lab.txt
	echo atheris==3.0.0 | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate - -o locks/requirements-fuzz.txt
