# The commands for everyone. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
OPSMART := $(BIN)/python -m orchestration.cli $(if $(PROFILE),--profile $(PROFILE))

DEMO := data-demo-sources
ifeq ($(PROFILE),demo-live)
# Where the living sources are, and how far their company is: `make demo-sources` writes it.
OPSMART := set -a; [ ! -f $(DEMO)/environment ] || . $(DEMO)/environment; set +a; $(OPSMART)
endif

export DAGSTER_DISABLE_TELEMETRY := yes
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export RUNTIME__DLTHUB_TELEMETRY := false

.PHONY: help setup run backfill publish replay publications rollback rebuild reconcile source-check profile-init demo-sources maintain \
  summary ui dbt mf test soak reliability bench bench-landing bench-postgres lint format lock docs clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

setup: $(INSTALLED) ## install what requirements.lock names, into .venv

$(INSTALLED): requirements.lock
	@if command -v uv >/dev/null 2>&1; then uv=uv; else \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && uv=$(BIN)/uv; fi; \
	[ -x $(BIN)/python ] || $$uv venv --quiet --python $(PYTHON) $(VENV); \
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $$uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	@touch $@

run: setup ## land what is needed, build, check, publish [PROFILE=name-or-path]
	@$(OPSMART) run

backfill: setup ## pull a range again, then publish: FROM=2026-03-01 TO=2026-03-31 [STREAM=orders] [DRY_RUN=1] [PROFILE=]
	@$(if $(and $(FROM),$(TO)),,echo "FROM and TO are needed: make backfill FROM=2026-03-01 TO=2026-03-31 [STREAM=orders]"; exit 2;) \
	$(OPSMART) backfill --from $(FROM) --to $(TO) $(if $(STREAM),--stream $(STREAM)) $(if $(DRY_RUN),--dry-run)

replay: setup ## quarantined rows through the gate again after a fix, then publish: STREAM= FROM= TO= [DRY_RUN=1] [PROFILE=]
	@$(if $(and $(STREAM),$(FROM),$(TO)),,echo "STREAM, FROM and TO are needed: make replay STREAM=orders FROM=2026-03-01 TO=2026-03-31"; exit 2;) \
	$(OPSMART) replay --stream $(STREAM) --from $(FROM) --to $(TO) $(if $(DRY_RUN),--dry-run)

publications: setup ## list the publications that are still there [PROFILE=]
	@$(OPSMART) publications

rollback: setup ## take readers back to an earlier publication, at once: TO=<id> [PROFILE=]
	@$(if $(TO),,echo "TO is needed: make rollback TO=<id>; make publications lists them"; exit 2;) \
	$(OPSMART) rollback --to $(TO)

# The reason is free text: it goes through the environment, so that no quote in it is the shell's.
publish: export OPSMART_REASON := $(REASON)
publish: setup ## build, check and publish what the lake holds [ACCEPT=check REASON="…" for a failed check] [PROFILE=]
	@$(OPSMART) publish --accept "$(ACCEPT)" --reason "$$OPSMART_REASON"

rebuild: setup ## build every model from the lake anew, then publish [PROFILE=]
	@$(OPSMART) rebuild

reconcile: setup ## compare the lake with what the sources say now: [STREAM=orders] [PROFILE=]
	@$(OPSMART) reconcile $(if $(STREAM),--stream $(STREAM))

source-check: setup ## connect, show the mapping beside the contract, land nothing [PROFILE=]
	@$(OPSMART) source-check

profile-init: setup ## begin a profile from a source's columns: ARGS="shop.toml --stream orders --url sqlite:///shop.db --table orders"
	@$(OPSMART) profile-init $(ARGS)

demo-sources: setup ## the sample company, alive until Ctrl-C, for PROFILE=demo-live: [SPEED=600] seconds per second [SCALE=1]
	@exec $(BIN)/python -m sources.sample_company.demo_sources --folder $(DEMO) --speed $(or $(SPEED),600) --scale $(or $(SCALE),1)

maintain: setup ## compact and vacuum the lake; the schedule does it weekly [PROFILE=]
	@$(OPSMART) maintain

summary: setup ## show the current publication [PROFILE=]
	@$(OPSMART) summary

ui: setup ## Dagster on 127.0.0.1, schedule and sensors included [PROFILE=] [PORT=3000]
	@$(OPSMART) ui --port $(or $(PORT),3000)

dbt: setup ## dbt by hand on the home's warehouse: ARGS="build --select fct_kpi" [PROFILE=]
	@$(OPSMART) dbt $(ARGS)

mf: setup ## ask MetricFlow: ARGS="query --metrics otif --group-by metric_time__week" [PROFILE=]
	@$(OPSMART) mf $(ARGS)

# Three workers on two cores: one of them mostly waits for Dagster's daemon.
test: setup ## all tests that fit into minutes
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not soak" tests

soak: setup ## the long, randomised tests
	@$(BIN)/python -m pytest -q -n 2 --dist load -m soak tests

reliability: setup ## the faults and the histories, and their figures into docs/reliability.md [SOAK=1]
	@$(BIN)/python -m tests.faults $(if $(SOAK),--soak)

bench: setup ## what a build costs over a synthetic lake [EVENTS=20000000] [DAYS=60] [BENCH_HOME=data-bench]
	@EVENTS=$(EVENTS) DAYS=$(DAYS) BENCH_HOME=$(BENCH_HOME) $(BIN)/python -m tests.bench

bench-postgres: setup ## what landing order rows from a PostgreSQL costs [ROWS=5000000]
	@ROWS=$(ROWS) $(BIN)/python -m tests.bench.postgres

bench-landing: setup ## what landing a day of JSON lines costs, beside DuckDB alone [EVENTS=5000000]
	@EVENTS=$(EVENTS) $(BIN)/python -m tests.bench.landing

lint: setup ## style, types, architecture, names, portable SQL, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m tests.lint.names
	@$(BIN)/python -m tests.lint.portable_sql
	@$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 dbt_project/models dbt_project/tests
	@$(BIN)/sqlfluff lint --disable-progress-bar --config dbt_project/.sqlfluff semantic_project/models
	@$(BIN)/python -m orchestration.pipeline.dbt_sources --check
	@$(BIN)/python -m orchestration.pipeline.kpi_docs --check
	@$(BIN)/python -m orchestration.pipeline.semantic_models --check

format: setup ## let the formatters write
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: setup ## write the generated files: dbt's sources, docs/kpis.md, the semantic layer, docs/checks.md
	@$(BIN)/python -m orchestration.pipeline.dbt_sources
	@$(BIN)/python -m orchestration.pipeline.kpi_docs
	@$(BIN)/python -m orchestration.pipeline.semantic_models
	@$(BIN)/python -m tests.lint.check_docs

lock: ## pin all versions with hashes into requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-annotate --python-version 3.11 --extra dev \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## remove the virtual environment and caches, not the data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
