"""The words about the fields and the Structs speak of the same things."""

from app import fields
from app.protocol import CHOICES, Params, Source, Span, UrlParams


def test_every_field_has_its_words_and_no_word_is_of_a_field_that_is_none() -> None:
    assert list(fields.SOURCE) == list(Source.__struct_fields__)
    assert sorted(fields.PARAMS) == sorted(Params.__struct_fields__)
    assert list(fields.SPAN) == list(Span.__struct_fields__)


def test_a_form_names_every_choice() -> None:
    for name, choices in CHOICES.items():
        form = {**fields.SOURCE, **fields.PARAMS}[name].form
        told = form.replace(" or ", ", ").split(", ")
        assert told == (["true", "false"] if choices[0] is True else list(choices))


def test_what_may_stand_in_files_is_all_but_files_and_the_token() -> None:
    assert {*Params.__struct_fields__} - {*UrlParams.__struct_fields__} == {"files", "aws_web_identity_token"}


def test_the_secret_fields_are_fields() -> None:
    assert {*Source.__struct_fields__, *Params.__struct_fields__} > fields.SECRET
