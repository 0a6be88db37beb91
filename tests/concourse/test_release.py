"""The pipeline that releases the image."""

from ..program import ROOT
from .concourse import Concourse


def test_the_pipeline_of_build_is_valid(concourse: Concourse) -> None:
    assert concourse.validate(ROOT / "build" / "pipeline.yml", uri="u", repository="r") == (
        "looks good\n"
    )
