"""`in` with a role, in the way that one comes to first: boto3 for both. It runs in its own environment, not in .venv."""

import json
import sys
from pathlib import Path

import boto3
from botocore.config import Config


def main(destination: Path) -> None:
    """Assume the role, sign, and leave the URL in the destination."""
    request = json.load(sys.stdin)
    source, params = request["source"], request["params"]
    sts = boto3.client(
        "sts",
        region_name=source["region_name"],
        aws_access_key_id=source["access_key_id"],
        aws_secret_access_key=source["secret_access_key"],
    )
    role = sts.assume_role(RoleArn=source["aws_role_arn"], RoleSessionName="concourse", DurationSeconds=3600)["Credentials"]
    s3 = boto3.client(
        "s3",
        region_name=source["region_name"],
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
        config=Config(signature_version="s3v4"),
    )
    wanted = {"Bucket": source["bucket_name"], "Key": params["file_path"]}
    url = s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=params["expires_in"])
    (destination / "url").write_text(url)
    json.dump({"version": request["version"], "metadata": []}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
