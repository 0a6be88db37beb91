# `make demo` and `make test` set up all that they need. What they make goes to .venv, .cache and dist, none of it in git.

PYTHON ?= python3
EXAMPLES ?= 2000
venv := .venv/bin
export EXAMPLES

.PHONY: demo test lint pins clean help

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: .venv/ready ## Run the main job against an embedded S3 server, without an AWS account
	@$(venv)/python -m tests.demo

test: lint .cache/bin/versitygw ## Run all tests (EXAMPLES=100000 for a long comparison with boto3)
	$(venv)/python -m pytest

lint: .venv/ready ## Check style and types
	$(venv)/ruff check
	$(venv)/ruff format --check
	$(venv)/mypy

pins: .venv/ready ## Update the pinned versions and hashes of every dependency
	$(venv)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group test --group lint --group pins pyproject.toml -o tests/requirements.txt

clean: ## Remove what was made, but for the caches
	rm -rf .venv dist

.venv/ready: tests/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is too old: set PYTHON= to 3.11 or later")'
	$(PYTHON) -m venv .venv
	$(venv)/pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@touch $@

# An S3 server that checks signatures. Go checks the hash of what it downloads against its public checksum database.
.cache/bin/versitygw:
	@command -v go >/dev/null || { echo "the tests need Go (https://go.dev/doc/install) for an S3 server that checks signatures"; exit 1; }
	GOBIN=$(CURDIR)/.cache/bin go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
