"""Every input that ever broke an invariant, by what was wrong with it."""

from ..program import Program

IN_VERSION = b'{"source": {}, "version": {"%s": %s}}'


def test_a_version_may_have_the_names_of_other_fields(program: Program) -> None:
    for name, value in ((b"version", b"{}"), (b"version", b'{"a": 1}'), (b"files", b'{"a": {}}'), (b"files", b"{}")):
        result = program.run("in", "/nowhere", input_=IN_VERSION % (name, value))
        line = f"s3-presigned-url: in: version.{name.decode()}: must be a string, got a map\n"
        assert (result.code, result.stdout, result.stderr) == (1, "", line)
