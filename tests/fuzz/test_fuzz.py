"""The invariants, held against inputs that are made up: the same ones in every run. `make fuzz` goes on from here."""

import pytest
from hypothesis import HealthCheck, given, settings

from ..program import Program
from . import inputs
from .invariants import Case, as_process, hold

# no clock decides, as the machine may be busy, and an example may be large: a run has bounds of its own in invariants.py
same_ones = settings(derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck])


@settings(same_ones, max_examples=500)
@given(inputs.bytes_on_stdin())
def test_any_bytes_on_stdin_are_answered_or_refused(case: Case) -> None:
    hold(case)


@settings(same_ones, max_examples=500)
@given(inputs.requests())
def test_any_values_in_a_request_are_answered_or_refused(case: Case) -> None:
    hold(case)


@settings(same_ones, max_examples=200)
@given(inputs.command_lines())
def test_any_command_line_is_answered_or_refused(case: Case) -> None:
    hold(case)


@settings(same_ones, max_examples=100)
@given(inputs.environments())
def test_any_environment_is_answered_or_refused(case: Case) -> None:
    hold(case)


@settings(same_ones, max_examples=20)
@given(inputs.rare_addresses())
def test_any_address_that_boto3_is_asked_for_is_answered_or_refused(case: Case) -> None:
    hold(case)


@pytest.mark.process
@settings(same_ones, max_examples=40)
@given(inputs.bytes_on_stdin() | inputs.requests() | inputs.command_lines() | inputs.environments())
def test_the_same_is_true_of_a_process(program: Program, case: Case) -> None:
    hold(case, as_process(program))
