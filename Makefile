# The few words of this project. Each sets up what it needs; the second time is quick.
#   make demo    the main job, on a cluster of its own (KEEP=1: leave it running)
#   make test    all tests
#   make check   style, types and the floors of the house
#   make bench   what it costs, beside kubectl
#   make docs    the pages: links, manifests and settings agree with the code
#   make pages   docs/cli, made of the commands
#   make recording   the tour of docs/howto/client.md at a terminal: docs/demo/client.cast, and its text in the README

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := tests
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check bench docs pages recording lock

demo: $(VENV)/.ready
	$(BIN)/python -m demo $(if $(KEEP),--keep)

# Two processes, each with a cluster of its own; a cluster that is given is one.
test: $(VENV)/.ready
	$(BIN)/python -m pytest --numprocesses $(if $(KUBECONFIG),0,2) --dist loadfile $(ARGS)

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.ready
	$(BIN)/python -m bench

docs: $(VENV)/.ready
	$(BIN)/python -m pytest tests/unit/docs $(ARGS)

pages: $(VENV)/.ready
	$(BIN)/python -m packhouse.cli.pages docs/cli

recording: $(VENV)/.ready
	$(BIN)/python -m demo.recording

# The environment: every package in the version and with the digest that the lock names, and nothing besides: the lock
# is whole, so pip resolves nothing (what a package asks for with an extra it would else look for anew).
$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "setting up $(VENV) (a minute, the first time)"
	@$(PYTHON) -c 'import sys; sys.exit("packhouse needs Python 3.11 or later, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --only-binary=:all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@touch $@

# After a change of dependencies in pyproject.toml: write both locks anew. Needs uv.
lock:
	uv pip compile pyproject.toml --group dev $(LOCK) -o requirements.lock
	uv pip compile pyproject.toml $(LOCK) -c requirements.lock -o deploy/image/requirements.txt
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-build
