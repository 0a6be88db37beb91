"""Several URLs in one step: the params of each entry of `files`. Imported only when needed."""

import msgspec

from . import decoding
from .bounds import MAX_FILES
from .protocol import Input, Params, Place, ResourceError

# One entry: Params without what applies to every entry. Made here, as one more Struct in
# protocol.py costs every start 0.6 % of its instructions.
_OPTIONS = [
    name for name in Params.__struct_fields__ if name not in ("files", "aws_web_identity_token")
]
_Entry: type[Input] = msgspec.defstruct(
    "Entry",
    [(name, Params.__annotations__[name], None) for name in _OPTIONS],
    bases=(Input,),
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)  # type: ignore[assignment]  # defstruct does not return the type of its bases


def split(params: Params) -> dict[str, tuple[Params, Place]]:
    """Return the params of each entry and their place, by its name.

    Raises ResourceError for names that cannot be directories, and for invalid params.
    """
    entries, place = params.files or {}, ("params", "files")
    if not entries:
        example = "{installer: {file_path: setup.exe}}"
        raise ResourceError(place, f"must have at least one entry, such as {example}")
    if len(entries) > MAX_FILES:
        raise ResourceError(place, f"must have at most {MAX_FILES} entries, got {len(entries)}")
    for name in entries:
        if name in ("", ".", "..", "urls.json") or "/" in name or not name.isprintable():
            raise ResourceError((*place, name), "must be usable as a directory name")
    return {
        name: (_merge(params, entry, (*place, name)), (*place, name))
        for name, entry in entries.items()
    }


def _merge(params: Params, entry: dict[str, object], place: Place) -> Params:
    """Return the params of one entry, which override those next to `files`."""
    entry_params = decoding.from_map(entry, _Entry, place)
    own = {name: value for name in _OPTIONS if (value := getattr(entry_params, name)) is not None}
    inherited = {name: getattr(params, name) for name in _OPTIONS}
    if own.keys() & {"file_path", "s3_uri"}:  # two ways to name the object
        inherited.update(file_path=None, s3_uri=None)
    return Params(**{**inherited, **own})


def as_written(place: Place, params: Params) -> Place:
    """Return where the user wrote an option: in an entry of `files`, or next to `files`."""
    if params.files and place[:2] == ("params", "files") and len(place) > 3:
        entry, option = params.files[place[2]], place[3]
        if entry.get(option) is None and getattr(params, option, None) is not None:
            return ("params", *place[3:])
    return place
