# Each target makes its own virtual environment; nothing of the machine's Python packages is used.
PYTHON ?= python3
DEMO_SECONDS ?= 30
# Tests beside each other.
JOBS ?= 2
# Not beside others: they measure times, or demand that a quick subscriber loses nothing.
ALONE = $(wildcard tests/system/test_ground_truth_*.py) tests/system/test_polling_cadence.py \
        tests/system/test_device_events.py tests/system/test_device_losses.py
# Whether there is one for the tests of the report.
BROWSER = for name in chromium chromium-browser google-chrome google-chrome-stable; do command -v $$name && exit; done; false

.PHONY: demo test lint benchmarks clean

.venv-demo/.done: pyproject.toml
	$(PYTHON) -m venv --clear .venv-demo
	.venv-demo/bin/pip install --quiet --disable-pip-version-check -e '.[demo]'
	touch $@

.venv/.done: pyproject.toml
	$(PYTHON) -m venv --clear .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -e '.[all,test,lint]'
	touch $@

.venv-core/.done: pyproject.toml
	$(PYTHON) -m venv --clear .venv-core
	.venv-core/bin/pip install --quiet --disable-pip-version-check -e . hypothesis pytest pytest-timeout pytest-xdist
	touch $@

# Servers of versions that cannot be monitored, for the tests that say so.
.venv-tango-%/.done:
	$(PYTHON) -m venv --clear .venv-tango-$*
	.venv-tango-$*/bin/pip install --quiet --disable-pip-version-check 'pytango==$*.*' 'numpy<2'
	touch $@

demo: .venv-demo/.done ## a live system that loses events, and who lost them
	.venv-demo/bin/stem demo --seconds $(DEMO_SECONDS)

test: .venv/.done .venv-core/.done .venv-tango-9.5/.done .venv-tango-10.0/.done ## all tests; the unit tests once more without the optional parts
	($(BROWSER)) || .venv/bin/python -m playwright install chromium
	.venv-core/bin/python -m pytest tests/unit -m 'not extras' -q -n $(JOBS)
	.venv/bin/python -m pytest tests/unit -n $(JOBS)
	.venv/bin/python -m pytest tests/system -n $(JOBS) --dist loadfile $(ALONE:%=--ignore=%)
	.venv/bin/python -m pytest $(ALONE)

lint: .venv/.done
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

benchmarks: .venv/.done
	for file in benchmarks/bench_*.py; do .venv/bin/python $$file || exit 1; done

clean:
	rm -rf .tango-tree .venv .venv-demo .venv-core .venv-tango-* build dist
