"""Inputs that once broke an invariant."""

import json
from typing import Any

import pytest

from ..program import Program, get_request
from .invariants import Case, check

IN_VERSION = b'{"source": {}, "version": {"%s": %s}}'


def test_a_version_may_have_the_names_of_other_fields(program: Program) -> None:
    maps = [
        *((b"version", b"{}"), (b"version", b'{"a": 1}')),
        *((b"files", b'{"a": {}}'), (b"files", b"{}")),
    ]
    for name, value in maps:
        result = program.run("in", "/nowhere", input_=IN_VERSION % (name, value))
        line = f"s3-presigned-url: in: version.{name.decode()}: must be a string, got a map\n"
        assert (result.code, result.stdout, result.stderr) == (1, "", line)


@pytest.mark.parametrize(
    "source",
    [{"use_dualstack_endpoint": True}, {"aws_role_arn": "arn:aws:iam::123456789012:role/deploy"}],
    ids=str,
)
@pytest.mark.parametrize(
    "variable", ["SSLKEYLOGFILE", "AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS", "AWS_PROFILE"]
)
def test_a_variable_that_only_botocore_reads_may_be_invalid(
    source: dict[str, Any], variable: str
) -> None:
    request = json.dumps(get_request(**source)).encode()
    check(Case("in", (".",), request, {variable: "/nowhere/rubbish"}))
