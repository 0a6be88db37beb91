"""Several URLs in one step: the params of each entry of `files`. Imported only when needed."""

from .bounds import MAX_FILES
from .protocol import Params, Place, ResourceError, UrlParams


def split(params: Params) -> dict[str, tuple[UrlParams, Place]]:
    """Return the params of each entry and their place, by its name.

    Raises ResourceError for names that cannot be directories.
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
    return {name: (_merge(params, entry), (*place, name)) for name, entry in entries.items()}


def _merge(params: Params, entry: UrlParams) -> UrlParams:
    """Return the params of one entry, which override those next to `files`."""
    options = entry.__struct_fields__
    own = {option: value for option in options if (value := getattr(entry, option)) is not None}
    inherited = {option: getattr(params, option) for option in options}
    if own.keys() & {"file_path", "s3_uri"}:  # two ways to name the object
        inherited.update(file_path=None, s3_uri=None)
    return UrlParams(**{**inherited, **own})


def as_written(place: Place, params: Params) -> Place:
    """Return where the user wrote an option: in an entry of `files`, or next to `files`."""
    if params.files and place[:2] == ("params", "files") and len(place) > 3:
        entry, option = params.files[place[2]], place[3]
        if getattr(entry, option) is None and getattr(params, option) is not None:
            return ("params", *place[3:])
    return place
