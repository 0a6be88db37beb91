"""`app/messages/fields.py`, and the other places to change for a new field."""

import ast

import pytest

from app.messages import fields
from app.protocol import CHOICES, FLAGS, Params, Source, Span
from app.request import FORM_OPTIONS, RESPONSE_OVERRIDES, UPLOAD_HEADERS

from .program import ROOT


def test_every_field_has_a_help_text() -> None:
    of_source, of_params = Source.__struct_fields__, Params.__struct_fields__
    assert list(fields.SOURCE) == list(of_source), "see SOURCE in app/messages/fields.py"
    assert sorted(fields.PARAMS) == sorted(of_params), "see PARAMS in app/messages/fields.py"


def test_every_field_is_used() -> None:
    used = set()
    for path in (ROOT / "app").rglob("*.py"):
        if path.name not in ("protocol.py", "fields.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                        used.add(name)
    unused = {*Source.__struct_fields__, *Params.__struct_fields__} - used
    assert not unused, "app/protocol.py declares unused fields (add a header to app/request.py)"


def test_every_option_of_a_request_is_a_field() -> None:
    used = {*UPLOAD_HEADERS, *RESPONSE_OVERRIDES, *FORM_OPTIONS}
    missing = used - {*Params.__struct_fields__}
    assert not missing, "add what app/request.py uses to Params in app/protocol.py"


def test_choices_belong_to_fields() -> None:
    unknown = CHOICES.keys() - {*Source.__struct_fields__, *Params.__struct_fields__}
    assert not unknown, "CHOICES in app/protocol.py has names that are not fields"


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("bucket_name", "a string"),
        ("use_path_style", "true or false"),
        ("ca_bundle", "certificates in PEM format"),
        ("max_expires_in", "a duration such as 24h"),
        ("expires_in", "a duration such as 24h, 1h30m, {hours: 24}, or whole seconds"),
        ("disposition", "attachment or inline"),
        ("method", "GET, HEAD, PUT, DELETE or POST"),
        ("request_payer", "requester"),
        ("success_status", "200, 201 or 204"),
        ("max_size", "bytes, such as 1048576, 10MB or 10MiB"),
        ("headers", "a map of names to values, such as {x-amz-meta-build: 42}"),
        (
            "acl",
            "private, public-read, public-read-write, authenticated-read, aws-exec-read, "
            "bucket-owner-read or bucket-owner-full-control",
        ),
        ("server_side_encryption", "AES256, aws:backup, aws:fsx, aws:kms or aws:kms:dsse"),
        ("verify", "none, head or url"),
        ("on_short_credentials", "warn, fail or clamp"),
        ("files", "a map of names to params, such as {installer: {file_path: setup.exe}}"),
        ("hours", "a number"),
    ],
)
def test_the_form_of_a_field_follows_from_its_declaration(field: str, form: str) -> None:
    assert fields.form(field) == form


def test_the_help_text_of_a_field_lists_its_choices() -> None:
    text = "HTTP method of the request (default: GET): GET, HEAD, PUT, DELETE or POST"
    assert fields.help_text("method") == text
    assert fields.help_text("use_path_style") == "put the bucket in the path instead of the host"


def test_flags_are_the_fields_that_take_a_boolean() -> None:
    booleans = {name for name, type_ in Source.__annotations__.items() if bool in type_.__args__}
    assert booleans == {name for name, choices in CHOICES.items() if choices == FLAGS}


def test_secret_fields_are_fields() -> None:
    assert {*Source.__struct_fields__, *Params.__struct_fields__} > fields.SECRET


def test_the_units_of_a_duration_are_numbers() -> None:
    assert {fields.form(unit) for unit in Span.__struct_fields__} == {"a number"}
