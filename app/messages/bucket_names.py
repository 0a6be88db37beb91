"""Explains why a text is not the name of a bucket."""

_NAME = "must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots"
_ARN = (
    "must be the ARN of an access point, such as "
    "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point"
)


def explain(text: str) -> str:
    """Return what to write instead of a text that is not a bucket name or access point ARN."""
    if text.startswith("arn:"):
        resource = text.split(":", 5)[-1]
        is_bucket = (
            text.count(":") >= 5 and text.split(":")[2] == "s3" and "accesspoint" not in text
        )
        return f"{_NAME}: {_without_folder(resource)}" if is_bucket else _ARN
    if text.startswith("s3://"):
        return f"{_NAME}: {_without_folder(text.removeprefix('s3://'))}"
    if "://" in text:
        return f"{_NAME}, such as my-bucket; the address of a provider belongs in endpoint"
    if "/" in text.strip("/"):
        return f"{_NAME}: {_without_folder(text)}"
    if text.strip("/") != text:
        return f"{_NAME}: write {text.strip('/')}"
    if ":" in text:
        return f"{_NAME}, such as my-bucket (tenant:bucket requires endpoint)"
    return f"{_NAME}, such as my-bucket"


def _without_folder(text: str) -> str:
    bucket, _, folder = text.strip("/").partition("/")
    return (
        f"write {bucket}; the folder {folder} belongs in file_path" if folder else f"write {bucket}"
    )
