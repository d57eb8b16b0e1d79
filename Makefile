# One command each. Everything that is needed is installed on the first one: see `make help`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UNIT ?= moons
OUT ?= out/$(UNIT)
SUBMISSIONS ?=
WORKERS ?=

BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help setup sandbox browser build grade bank test nightly bench robostig lab lint release clean
help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

setup: $(INSTALLED) ## install everything into .venv
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Python 3.11 is needed; name it with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --progress-bar off -e '.[dev]'
	touch $@

# Programs that pip can't bring. Only root can install them; anybody else is told which package is missing, and why.
define debian
	@command -v $(1) >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; \
	  else echo "$(3): ask an administrator for 'apt-get install $(2)'." >&2; fi; }
endef

sandbox:
	$(call debian,bwrap,bubblewrap,Grading runs submissions inside bubblewrap)

browser:
	$(call debian,chromium,chromium,Pages are tested in Chromium)

clients: .venv-clients/.installed ## install SDK v3, a client of local SageMaker, for its test (1 GB)
.venv-clients/.installed: pyproject.toml $(INSTALLED)
	test -x .venv-clients/bin/python || $(PYTHON) -m venv .venv-clients
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['clients'])" \
	  | xargs .venv-clients/bin/python -m pip install --quiet --progress-bar off
	touch $@

build: $(INSTALLED) ## make the notebooks, stubs and worked notebooks from solutions/
	$(BIN)/python -m authoring build

grade: $(INSTALLED) sandbox build ## grade a class; UNIT=, SUBMISSIONS=, OUT=, WORKERS=; a demonstration class by default
	$(if $(SUBMISSIONS),,$(BIN)/python -m grading.bank.demonstration $(UNIT) $(OUT)-class)
	$(BIN)/python -m grading grade $(UNIT) --out $(OUT) \
	  --submissions $(if $(SUBMISSIONS),'$(SUBMISSIONS)',$(OUT)-class) $(if $(WORKERS),--workers $(WORKERS))

bank: $(INSTALLED) sandbox build ## grade the graders: mutants, alternatives, attacks
	$(BIN)/python -m grading bank

test: $(INSTALLED) sandbox browser ## run every test at a size fit for CI
	$(BIN)/python -m authoring build
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not nightly'

nightly: $(INSTALLED) sandbox browser ## run every test at full size
	$(BIN)/python -m authoring build
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(INSTALLED) sandbox build ## print ratios against what one would use instead
	$(call debian,wrk,wrk,Endpoints are timed with wrk)
	$(call debian,java,openjdk-17-jre-headless,TorchServe needs Java)
	$(BIN)/python -m tests.local.bench
	$(BIN)/python -m grading.bench

robostig: $(INSTALLED) ## train the car of robostig at full length, and drive 20 unseen tracks
	$(BIN)/python -m solutions.robostig

lab: $(INSTALLED) build ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab notebooks

lint: $(INSTALLED) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

release: $(INSTALLED) build ## make the student zip in dist/
	$(BIN)/python -m authoring release --out dist

clean: ## remove what was made, but not .venv
	rm -rf out dist build grading/source grading/release grading/autograded grading/feedback
