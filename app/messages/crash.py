"""Reports unexpected exceptions, with all secrets redacted."""

import traceback
from collections.abc import Mapping

from .. import __repository__, __version__
from .redaction import redact, secrets

DEBUG = "S3_PRESIGNED_URL_DEBUG"


def report(error: Exception, request: bytes, environ: Mapping[str, str]) -> list[str]:
    """Return one line, and in debug mode the redacted traceback.

    Without debug mode only the type of the exception is shown: its text could hold anything.
    """
    program = f"s3-presigned-url {__version__}"
    issues = f"{__repository__}/issues"
    line = f"internal error ({type(error).__name__}) in {program}. Please report it at {issues}"
    if environ.get(DEBUG) != "1":
        return [f"{line}; {DEBUG}=1 shows a redacted traceback"]
    text = "".join(traceback.format_exception(error))
    return [line, *redact(text, secrets(request, environ)).splitlines()]
