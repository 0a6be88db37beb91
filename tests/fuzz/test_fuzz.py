"""The invariants, checked with the same generated inputs in every run; `make fuzz` tries others."""

import pytest
from hypothesis import HealthCheck, given, settings

from ..program import Program
from . import inputs
from .invariants import Case, as_process, check

# without hypothesis's own limits, because the machine may be busy: invariants.py has limits
deterministic = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck]
)


@settings(deterministic, max_examples=500)
@given(inputs.bytes_on_stdin())
def test_any_bytes_on_stdin_are_answered_or_refused(case: Case) -> None:
    check(case)


@settings(deterministic, max_examples=500)
@given(inputs.requests())
def test_any_values_in_a_request_are_answered_or_refused(case: Case) -> None:
    check(case)


@settings(deterministic, max_examples=200)
@given(inputs.command_lines())
def test_any_command_line_is_answered_or_refused(case: Case) -> None:
    check(case)


@settings(deterministic, max_examples=100)
@given(inputs.environments())
def test_any_environment_is_answered_or_refused(case: Case) -> None:
    check(case)


@settings(deterministic, max_examples=20)
@given(inputs.rare_addresses())
def test_any_address_resolved_by_boto3_is_answered_or_refused(case: Case) -> None:
    check(case)


@pytest.mark.process
@settings(deterministic, max_examples=40)
@given(inputs.bytes_on_stdin() | inputs.requests() | inputs.command_lines() | inputs.environments())
def test_the_invariants_hold_for_a_process(program: Program, case: Case) -> None:
    check(case, as_process(program))
