"""The pipelines of README and docs on a real Concourse: `make test-concourse`."""
