# `make demo` and `make test` set up all that they need. What they make goes to .venv, .cache,
# about and dist, none of it in git.

PYTHON ?= python3
EXAMPLES ?= 2000
RUNS ?= 25
MINUTES ?= 30
JOBS ?= $(shell $(PYTHON) -c 'import os; print(2 * os.cpu_count())')
FROM ?= both
not_linux := $(filter-out Linux,$(shell uname -s))
engine_was_given := $(ENGINE)$(PLATFORM)
ENGINE ?= $(shell timeout 5 docker info >/dev/null 2>&1 && echo docker || echo podman)
IMAGE ?= s3-presigned-url
override BUILD += $(if $(PLATFORM),--platform $(PLATFORM)) $(foreach base,DEBIAN STATIC,$(if $($(base)),--build-arg $(base)=$($(base))))
vulnerabilities ?= https://api.osv.dev
SOURCE ?= $(shell sed -n 's/^__repository__ = "\(.*\)"/\1/p' app/__init__.py)
venv := .venv/bin
version = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' app/__init__.py)
label = org.opencontainers.image
pytest = -m pytest --numprocesses $(JOBS) --dist loadscope
in_image = ENGINE=$(ENGINE) IMAGE=$(IMAGE) $(venv)/python
export EXAMPLES

.PHONY: demo test test-source test-binary tools binary image bases owner test-image test-concourse need-concourse reproducible bench bench-image fuzz lint audit pins clean help always

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## Run the main job against an embedded S3 server, without AWS: from source, then the binary (FROM=source, FROM=binary)
	$(if $(filter binary,$(FROM)),,@$(MAKE) --no-print-directory .venv/ready && $(venv)/python -m tests.demo source)
	$(if $(filter source,$(FROM))$(not_linux),$(if $(not_linux),@echo "This is not Linux: the binary was left out."),@$(MAKE) --no-print-directory binary .venv/ready && $(venv)/python -m tests.demo binary)

test: test-source $(if $(not_linux),,test-binary) ## Run all tests, against the source and against the binary
	$(if $(not_linux),@echo "This is not Linux: the binary was not tested.")

test-source: lint audit tools .cache/bin/versitygw ## Run the tests against the source (EXAMPLES=100000 for a long comparison with boto3)
	$(venv)/python $(pytest)

test-binary: binary tools .venv/ready .cache/bin/versitygw ## Run the tests of the contract against the binary
	$(venv)/python $(pytest) --program binary

binary: dist/s3-presigned-url ## Make dist/s3-presigned-url (3 minutes the first time, as the interpreter is compiled too; then 1; ENGINE=docker in a container; PLATFORM=linux/arm64 for another machine)

dist/s3-presigned-url: $(shell find app -name '*.py') $(shell find build -type f ! -name '*.pyc' ! -name README.md) $(if $(PLATFORM),always)
	$(if $(engine_was_given),$(in_container),$(PYTHON) build/binary.py)

# Takes dist and about out of the stage of the image that makes them. For another machine they are dated as old, so that the next `make
# binary` replaces them.
define in_container
$(ENGINE) build $(BUILD) --target binary -t $(IMAGE)-binary .
	container=$$($(ENGINE) create $(IMAGE)-binary) && rm -rf dist about && \
		$(ENGINE) cp $$container:/s3-presigned-url/dist dist && $(ENGINE) cp $$container:/s3-presigned-url/about about && \
		$(ENGINE) rm $$container >/dev/null && touch $(if $(PLATFORM),-d @0) dist/s3-presigned-url
endef

# its name and digest, if it is pinned
parts = $(subst @, ,$(STATIC))
labels_of_base = $(if $(STATIC),--label $(label).base.name=$(word 1,$(parts)) --label $(label).base.digest=$(word 2,$(parts)))

image: ## Make the image of the resource type (ENGINE=podman, PLATFORM=linux/arm64, BUILD="--network host")
	$(ENGINE) build $(BUILD) $(labels_of_base) -t $(IMAGE):$(version) -t $(IMAGE):latest --label $(label).source=$(SOURCE) \
		--label $(label).version=$(version) --label $(label).revision=$$(git rev-parse HEAD) .

bases: ## Print the base images by their digests of today, as arguments of `make image`
	@sed -n 's/^ARG \([A-Z]*\)=/\1 /p' Dockerfile | while read -r base image; do \
		$(ENGINE) pull --quiet $$image >/dev/null 2>&1 || :; \
		digest=$$($(ENGINE) image inspect --format '{{index .RepoDigests 0}}' $$image) || exit 1; \
		echo "$$base=$${image%:*}@$${digest#*@}"; done

owner: ## Write the name of this repository's owner into every address (OWNER=name)
	sed -i 's#\(github\.com\|ghcr\.io\)/[^/ ]*/s3-presigned-url#\1/$(OWNER)/s3-presigned-url#g' \
		$$(git grep -lE '(github\.com|ghcr\.io)/[^/ ]*/s3-presigned-url')

test-image: tools need-runc .venv/ready .cache/bin/versitygw ## Run all tests in its tests stage, and the contract in the image itself (with PLATFORM only the latter)
	$(if $(PLATFORM),,$(ENGINE) build $(BUILD) --target tests .)
	$(in_image) $(pytest) --program image

# all that is started natively ends with these namespaces
test-concourse: need-concourse image .venv/ready .cache/bin/versitygw .cache/bin/crane ## Run the pipelines of README and docs on a Concourse: its published image, or CONCOURSE= and FLY=
	$(ENGINE) build $(BUILD) -t $(IMAGE)-curl tests/concourse/curl
	ENGINE=$(ENGINE) IMAGE=$(IMAGE) $(if $(CONCOURSE),unshare --net --pid --fork --kill-child --mount-proc) \
		$(venv)/python -m pytest tests/concourse

need-concourse:
	@[ -n "$(CONCOURSE)" ] || timeout 5 $(ENGINE) compose version >/dev/null 2>&1 || { \
		echo "this needs docker with its compose plugin, or CONCOURSE= and FLY=, the paths of two executables"; exit 1; }

reproducible: ## Prove that two builds of this commit, one of them from nothing, are the same file (10 minutes)
	build/reproducible.sh

bench: binary .venv/ready ## Measure the program beside ConcourseTools, the AWS CLI and Go (RUNS=100 for quieter medians)
	@$(venv)/python -m tests.benchmark $(RUNS)

bench-image: need-runc .venv/ready ## Measure the image beside the same resource made in the usual way
	@$(in_image) -m tests.benchmark.images $(RUNS) $(BUILD)

fuzz: .cache/fuzz/venv/ready ## Look for an input that breaks the source, guided by its coverage (MINUTES=30)
	.cache/fuzz/venv/bin/python -m tests.fuzz $(MINUTES)

audit: .venv/ready need-curl ## Look what is pinned up in the database of known vulnerabilities
	@if curl --silent --output /dev/null --max-time 10 $(vulnerabilities); then \
		for pinned in build tests; do \
			$(venv)/pip-audit --vulnerability-service osv --osv-url $(vulnerabilities)/v1/query \
				--disable-pip --require-hashes -r $$pinned/requirements.txt || exit 1; \
		done; \
	else echo "audit: NOT DONE, as $(vulnerabilities) is not reached from here"; fi

lint: .venv/ready .cache/bin/actionlint ## Check style and types
	.cache/bin/actionlint .github/workflows/*.yml
	$(venv)/ruff check
	$(venv)/ruff format --check
	$(venv)/mypy
	MYPYPATH=build:build/inside $(venv)/mypy build/*.py build/inside/*.py

pin = $(venv)/uv pip compile --system-certs --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

pins: .venv/ready ## Update the pinned versions and hashes of every dependency, and of CPython's source
	$(venv)/python build/pins.py
	$(pin) --group test --group lint --group audit --group pins -c build/requirements.txt pyproject.toml -o tests/requirements.txt
	$(pin) --group pyproject.toml:concoursetools -c tests/requirements.txt -o tests/benchmark/requirements.txt
	$(pin) --group pyproject.toml:nuitka -o tests/benchmark/requirements-nuitka.txt
	$(pin) --group pyproject.toml:awscli -o tests/benchmark/requirements-awscli.txt
	$(pin) --group pyproject.toml:fuzz -c tests/requirements.txt -o tests/fuzz/requirements.txt
	cd tests/benchmark/presign-go && $(CURDIR)/$(venv)/go get -u . && $(CURDIR)/$(venv)/go mod tidy
	sed -i "s/versitygw@v1.8.0[0-9.]*/versitygw@$$($(venv)/go list -m -f '{{.Version}}' github.com/versity/versitygw@latest)/" Makefile

.cache/bin/actionlint: | .venv/ready
	GOBIN=$(CURDIR)/.cache/bin $(venv)/go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

clean: ## Remove what was made, but for the caches
	rm -rf .venv about dist

.venv/ready: tests/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is too old: set PYTHON= to 3.11 or later")'
	@$(PYTHON) build/machine.py source
	$(PYTHON) -m venv .venv
	$(venv)/pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@touch $@

.cache/fuzz/venv/ready: tests/fuzz/requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

tools:
	@$(if $(not_linux),true,$(PYTHON) build/machine.py tests)

# What the tests call besides: installed where that is allowed, else named.
need-%:
	@command -v $* >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y $*; } \
	|| { echo "this needs $*"; exit 1; }

# An S3 server that checks signatures, made by the Go that tests/requirements.txt pins. Go checks the hash of what it downloads against
# its public checksum database.
.cache/bin/versitygw: | .venv/ready
	GOBIN=$(CURDIR)/.cache/bin $(venv)/go install github.com/versity/versitygw/cmd/versitygw@v1.8.0

# A registry, and what fills it, for Concourse.
.cache/bin/crane: | .venv/ready
	GOBIN=$(CURDIR)/.cache/bin $(venv)/go install github.com/google/go-containerregistry/cmd/crane@v0.22.1
