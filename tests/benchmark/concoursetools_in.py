"""`in` in the way that one comes to first: ConcourseTools around boto3. It runs in its own environment, not in .venv."""

from pathlib import Path

import boto3
from botocore.config import Config
from concoursetools import BuildMetadata
from concoursetools.additional import InOnlyConcourseResource


class PresignedUrl(InOnlyConcourseResource):  # type: ignore[misc]  # the package is not there where types are checked
    """The source of our request, with the client that it configures."""

    def __init__(self, bucket_name: str, region_name: str, access_key_id: str, secret_access_key: str) -> None:
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
        """Sign, and leave the URL in the destination."""
        wanted = {"Bucket": self.bucket_name, "Key": file_path}
        url = self.client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=expires_in)
        (destination_dir / "url").write_text(url)
        return {"bucket": self.bucket_name, "key": file_path}


if __name__ == "__main__":
    PresignedUrl.in_main()
