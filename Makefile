# Each target makes its own virtual environment; nothing of the machine's Python packages is used.
PYTHON ?= python3
DEMO_SECONDS ?= 30
# Tests beside each other: most of them wait, so that two cores have enough to do with four.
JOBS ?= 4
# Not beside many others: they measure times, or demand that a quick subscriber loses nothing.
ALONE = $(wildcard tests/system/test_ground_truth_*.py) tests/system/test_polling_cadence.py \
        tests/system/test_device_events.py tests/system/test_device_losses.py tests/system/test_device_verdict.py \
        tests/system/test_marks.py tests/system/test_cli_check.py tests/system/test_pytest_plugin.py
# All that the tests need.
EVERYTHING = -e '.[all,demo,test,lint]'
# "make test" runs of each matrix a sample, "make test-matrix" the rest, which takes hours.
MATRIX ?=
# What "make test" runs: the unit tests without the optional parts, those of these parts, the system tests.
SESSIONS ?= core unit system
# Which system tests: files or folders.
SYSTEM ?= tests/system
# How environments are made: by python3 -m venv and pip, or by uv ("make demo UV=uv", or where python3 has no ensurepip).
UV ?= $(shell $(PYTHON) -c 'import ensurepip' 2>/dev/null || command -v uv)
ifeq ($(strip $(UV)),)
environment = $(PYTHON) -m venv --clear $(1) && $(1)/bin/pip install --quiet --disable-pip-version-check $(2)
else
environment = rm -rf $(1) && $(UV) venv --quiet --python $(PYTHON) $(1) && $(UV) pip install --quiet --python $(1)/bin/python $(2)
endif

.PHONY: demo test test-matrix test-lowest mutants lint benchmarks clean old-tango helm grafana-schema pictures

.venv-demo/.done: pyproject.toml
	$(call environment,.venv-demo,-e '.[demo]')
	touch $@

.venv/.done: pyproject.toml
	$(call environment,.venv,$(EVERYTHING))
	touch $@

.venv-core/.done: pyproject.toml
	$(call environment,.venv-core,-e . hypothesis pytest pytest-timeout pytest-xdist)
	touch $@

# Servers of versions that cannot be monitored, for the tests that say so. Each has wheels for some Pythons only, and
# its sources do not build on others.
.venv-tango-9.5/.done: OLD = 'pytango==9.5.*' 'numpy<2'
.venv-tango-10.0/.done: OLD = 'pytango==10.0.*'
.venv-tango-%/.done:
	$(call environment,.venv-tango-$*,--only-binary :all: $(OLD))
	touch $@

# Where one cannot be made, its tests do not run, and are named at the end.
old-tango:
	@for version in 9.5 10.0; do \
	    $(MAKE) --silent .venv-tango-$$version/.done >.venv-tango-$$version.log 2>&1 || \
	        echo "no PyTango $$version for this Python: see .venv-tango-$$version.log"; \
	done

helm: .helm/helm ## for the tests of the chart
.helm/helm:
	PYTHON=$(PYTHON) .ci/helm $@

# What dashboards have to look like, in Grafana's own words; from npm, which needs Node.
grafana-schema: .grafana-schema/dashboard.json ## for the tests of the dashboards
.grafana-schema/dashboard.json:
	.ci/grafana-schema $@

demo: .venv-demo/.done ## a live system that loses events, and who lost them
	.venv-demo/bin/stem demo --seconds $(DEMO_SECONDS)

test: .venv/.done $(if $(filter core,$(SESSIONS)),.venv-core/.done) $(if $(filter system,$(SESSIONS)),old-tango) ## all tests
	.venv/bin/python -m tests.run --sessions $(SESSIONS) $(if $(MATRIX),--matrix) --jobs $(JOBS) --core .venv-core/bin/python \
	    --system $(SYSTEM) --alone $(ALONE)

test-matrix: ## the tests that "make test" leaves out: more tries of what its sample has tried
	$(MAKE) test MATRIX=1 SESSIONS="unit system"

# Only uv can choose the lowest versions. For Python 3.11: later ones have no wheels of some of them.
.venv-uv/.done:
	$(call environment,.venv-uv,uv)
	touch $@

.venv-lowest/.done: pyproject.toml .venv-uv/.done
	rm -rf .venv-lowest
	.venv-uv/bin/uv venv --quiet --python $(PYTHON) .venv-lowest
	.venv-uv/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct -e '.[all,demo,test]'
	touch $@

test-lowest: .venv-lowest/.done ## the unit tests with the lowest versions that pyproject.toml allows
	.venv-lowest/bin/python -m tests.run --sessions unit --jobs $(JOBS)

# Of some alone, by name or by a part of the path of their file: make mutants ONLY=accounting.
mutants: .venv/.done ## whether the unit tests notice that a rule, or a constant, was changed
	nice .venv/bin/python -m tests.mutants $(ONLY)

lint: .venv/.done
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

benchmarks: .venv/.done
	for file in benchmarks/bench_*.py; do .venv/bin/python $$file || exit 1; done

# Those of docs/howto, from the demo and the real tools of Debian (prometheus, chromium).
pictures: .venv/.done
	.venv/bin/python -m tests.system.pictures docs/img

clean:
	rm -rf .tango-tree .helm .grafana-schema .venv .venv-* build dist
