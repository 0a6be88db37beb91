"""The obvious implementation of `in`: ConcourseTools with boto3, in its own environment."""

from pathlib import Path

import boto3
from botocore.config import Config
from concoursetools import BuildMetadata
from concoursetools.additional import InOnlyConcourseResource


class PresignedUrl(InOnlyConcourseResource):  # type: ignore[misc]  # not installed for mypy
    """A resource with the same source fields as ours."""

    def __init__(
        self, bucket_name: str, region_name: str, access_key_id: str, secret_access_key: str
    ) -> None:
        super().__init__()
        self.bucket_name = bucket_name
        self.client = boto3.client(
            "s3",
            region_name=region_name,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(signature_version="s3v4"),
        )

    def download_data(
        self, destination_dir: Path, build_metadata: BuildMetadata, file_path: str, expires_in: int
    ) -> dict[str, str]:
        """Sign the URL, and write it to the destination."""
        params = {"Bucket": self.bucket_name, "Key": file_path}
        url = self.client.generate_presigned_url("get_object", Params=params, ExpiresIn=expires_in)
        (destination_dir / "url").write_text(url)
        return {"bucket": self.bucket_name, "key": file_path}


if __name__ == "__main__":
    PresignedUrl.in_main()
