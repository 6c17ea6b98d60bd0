# make help explains the verbs. They need Python 3.11, Node 20 and make; nothing else.
PYTHON ?= python3.11
UV_VERSION := 0.13.9
BIN := .venv/bin
export DBT_PROJECT_DIR := dbt_project
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
PORT ?= 3000
# sqlfluff's dbt templater reads a warehouse; of one that is not there, generated SQL stays short
LINTED := dbt_project/target/lint.duckdb
CATALOGUE := dbt_project/target/docs

.DEFAULT_GOAL := help
.PHONY: help setup setup-spark setup-fast spark inputs warehouse build reports serve-reports check lint-changed test test-slow test-all lint docs model-cards audience score-devices model-sql shell serve lock clean

help: ## say what each verb does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: warehouse reports ## set up, put the input in place, build all tables and the reports

setup: .venv/installed ## install the pinned Python packages into .venv

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --no-deps --requirement requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --group data
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

setup-spark: .venv/installed-spark ## add the pinned packages of dbt on Spark (it needs Java 17)

setup-fast: .venv/installed-fast ## add what scores devices several times as fast

.venv/installed-%: requirements-%.txt .venv/installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --no-deps --requirement $<
	@touch $@

reports/node_modules/.package-lock.json: reports/package.json reports/package-lock.json $(wildcard reports/patches/*)
	npm ci --prefix reports
	@touch $@

inputs: setup ## put the default input into data/raw/<source>/default/
	$(BIN)/python -m python_models inputs

warehouse: inputs ## build and test all tables, then publish warehouse.duckdb
	$(BIN)/dbt build

spark: setup-spark inputs ## build two campaigns and their results on Spark, into .spark/warehouse
	DBT_TARGET_PATH=$(CURDIR)/dbt_project/target/spark $(BIN)/dbt run --target spark --selector spark

# LEADLIGHT_BASE_PATH=/folder/of/the/host, where they are not published at its root
reports: setup reports/node_modules/.package-lock.json ## build the report site into reports/build from warehouse.duckdb
	npm run --silent --prefix reports sources
	npm run --silent --prefix reports build

# below the base path that they were built for
SERVED := reports/.served
serve-reports: BASE = $(shell sed -n 's/.*base: "\([^"]*\)".*/\1/p' reports/build/index.html)
serve-reports: ## open the built reports on 127.0.0.1:3000 (PORT=... for another port)
	@test -e reports/build/index.html || { echo "there are no reports yet: run make reports first"; exit 1; }
	@rm -rf $(SERVED) && mkdir -p $(dir $(SERVED)$(BASE)) && ln -s $(CURDIR)/reports/build $(SERVED)$(BASE)
	@echo "open http://127.0.0.1:$(PORT)$(BASE)/"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SERVED) $(PORT)

# one worker for each core; a file's tests stay together, in the order of tests/conftest.py
# unit tests, and the examples in docstrings
UNIT := tests/unit --doctest-modules python_models/common python_models/conversion
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder
# SQL that differs from the main branch, committed or not
CHANGED_SQL = $(shell { git diff --name-only --diff-filter=d $$(git merge-base HEAD origin/main || echo HEAD); \
	git ls-files --others --exclude-standard; } 2>/dev/null | grep -E '^dbt_project/(models|tests)/.*\.sql$$')

check: setup ## before each commit: ruff, mypy, sqlfluff on changed files, unit tests but the longest
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory lint-changed
	$(PYTEST) $(UNIT) -m "not long"

lint-changed: setup ## sqlfluff on SQL that differs from the main branch
	$(if $(CHANGED_SQL),$(MAKE) inputs && LEADLIGHT_WAREHOUSE=$(LINTED) $(BIN)/sqlfluff lint $(CHANGED_SQL))

test: setup reports/node_modules/.package-lock.json ## every test but the slow ones, on one build and one site of their own
	$(PYTEST) $(UNIT) tests/build tests/reports

test-slow: setup-spark setup-fast ## the slow tests: lint of all files, Spark, real files, kills, second builds
	$(PYTEST) tests/slow

test-all: test test-slow ## every test there is

lint: inputs ## sqlfluff, ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	LEADLIGHT_WAREHOUSE=$(LINTED) $(BIN)/sqlfluff lint dbt_project/models dbt_project/tests

# of what is published: a build in progress is not waited for, and nothing need be built
docs: inputs ## dbt's documentation of sources, tables and who reads them, in one offline page
	DBT_TARGET_PATH=$(CURDIR)/$(CATALOGUE) $(BIN)/dbt docs generate --static
	@echo "open $(CATALOGUE)/static_index.html; make reports publishes it beside the reports"

model-cards: setup ## write model_cards/<campaign>.md from warehouse.duckdb
	$(BIN)/python -m python_models model-cards

# CAMPAIGN=... AUDIENCE=... (this week's) TO=folder
audience: setup ## write whom a campaign contacts into audiences/<audience>: Parquet, CSV, hashed identifiers
	$(BIN)/python -m python_models audience $(if $(CAMPAIGN),--campaign $(CAMPAIGN)) $(if $(AUDIENCE),--audience $(AUDIENCE)) $(if $(TO),--to $(TO))

# CAMPAIGN=... FROM=folder TO=folder WORKERS=...
score-devices: setup ## score Parquet files, or what the mart has without an outcome, with a champion
	$(BIN)/python -m python_models score-devices $(if $(CAMPAIGN),--campaign $(CAMPAIGN)) $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) $(if $(WORKERS),--workers $(WORKERS))

# CAMPAIGN=... TO=file FORCE=1
model-sql: setup ## write a champion as one SQL statement into model_sql/
	$(BIN)/python -m python_models model-sql $(if $(CAMPAIGN),--campaign $(CAMPAIGN)) $(if $(TO),--to $(TO)) $(if $(FORCE),--force)

# SQL="select ..." runs one query; so does a query on standard input
shell: setup ## open the published warehouse in DuckDB's shell, read only
	@test -e $(or $(LEADLIGHT_WAREHOUSE),warehouse.duckdb) || { echo "there is no warehouse yet: run make build first" >&2; exit 1; }
	@$(BIN)/duckdb -readonly -no-init $(or $(LEADLIGHT_WAREHOUSE),warehouse.duckdb) $(if $(SQL),-c "$(SQL)")

# LEADLIGHT_API_KEYS=name:read+score:secret, PORT=...
serve: PORT := $(if $(filter 3000,$(PORT)),8000,$(PORT))
serve: setup ## score rows over HTTP on 127.0.0.1:8000
	@$(BIN)/python -m python_models serve --port $(PORT)

lock: setup ## pin every package anew in requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --no-emit-index-url --no-header --no-annotate --upgrade --python-version 3.11 --quiet --output-file requirements.txt
	for extra in spark fast; do $(BIN)/uv pip compile pyproject.toml --group dev --group $$extra --constraint requirements.txt --no-emit-index-url --no-header --no-annotate --python-version 3.11 --quiet | grep -vxFf requirements.txt > requirements-$$extra.txt; done

clean: ## remove everything that was built; your raw files stay, audiences, what was sent and scores of devices
	find . -maxdepth 1 -name 'warehouse.duckdb*' ! -name warehouse.duckdb.sent -exec rm -rf {} +
	rm -rf .venv dbt_project/target dbt_project/logs logs reports/node_modules reports/build reports/.served reports/.evidence model_cards model_sql .spark
