# The two commands of the README are `make demo` and `make test`; both set up .venv by themselves.
# PYTHON=/path/to/python3.12 chooses an interpreter; otherwise the newest one found that is 3.10+.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && { command -v "$$p"; break; }; done)
BIN := .venv/bin

.PHONY: help demo test retest check bench fixtures fuzz soak docs clean

help: ## what this Makefile can do
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

.venv/ready-to-run: pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Python 3.10 or newer is needed: 'apt-get install python3 python3-venv' or 'dnf install python3.12'" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module: 'apt-get install python3-venv'" >&2; exit 1; }
	@echo "setting up .venv with $$($(PYTHON) --version)"
	@"$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/ready-to-test: .venv/ready-to-run
	@echo "adding the development tools to .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: .venv/ready-to-run ## the main job on one machine: add, roll and drain servers under load
	@$(BIN)/kemp demo

check: .venv/ready-to-test ## format, lint, types, layers, generated files, links of the pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m kempsdk.catalogue.generate --check
	$(BIN)/pytest -q tests/meta/test_docs_site.py

# By file: what a module shares, such as a lab, is made once. One more at a time than there are
# processors, for a third of the time tests wait for kernels, clocks and each other's programs.
test: check ## everything that CI runs
	$(BIN)/pytest -n $$(expr $$(nproc) + 1) --dist loadfile $(PYTEST_ARGS)

# A failure beside thousands of others may come from a machine too busy for the clock in it. Alone it
# has no such excuse: the ones that failed, at most five, must pass here, and CI's output names them.
retest: ## what failed in the last `make test`, once more and one by one
	$(BIN)/python -m tests.failed_last
	$(MAKE) check
	$(BIN)/pytest -n 0 --last-failed --last-failed-no-failures none $(PYTEST_ARGS)

bench: .venv/ready-to-test ## speed and memory, as ratios within one run
	@status=0; for script in tests/benchmarks/*.py; do \
		case $$script in */__init__.py) continue;; esac; \
		echo "== $$script"; PYTHONPATH=. $(BIN)/python "$$script" || status=1; done; exit $$status

fixtures: .venv/ready-to-test ## the recordings in fixtures/, anew from the virtual LoadMaster
	$(BIN)/python -m kempsdk.recording.make_fixtures

fuzz: .venv/ready-to-test ## 200,000 damaged answers, and many more models to the wire and back
	KEMP_FUZZ=long $(BIN)/pytest -q tests/fuzz
	$(BIN)/python -m tests.fuzz

soak: .venv/ready-to-test ## the tests of hazards in their long form: hours, as root
	KEMP_SOAK=1 $(BIN)/pytest -q -m soak --timeout=7200 $(PYTEST_ARGS)

# Without --quiet: mkdocs does not count the warnings that it does not print, strict or not.
docs: .venv/ready-to-test ## the documentation as a web site in build/docs
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/mkdocs.yml --site-dir ../build/docs

clean: ## remove what the commands above made
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
