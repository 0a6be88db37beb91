"""The obvious implementation of `in` with a role: boto3, in its own environment."""

import json
import sys
from pathlib import Path

import boto3
from botocore.config import Config


def main(destination: Path) -> None:
    """Assume the role, sign the URL, and write it to the destination."""
    request = json.load(sys.stdin)
    source, params = request["source"], request["params"]
    sts = boto3.client(
        "sts",
        region_name=source["region_name"],
        aws_access_key_id=source["access_key_id"],
        aws_secret_access_key=source["secret_access_key"],
    )
    assumed = sts.assume_role(
        RoleArn=source["aws_role_arn"], RoleSessionName="concourse", DurationSeconds=3600
    )
    role = assumed["Credentials"]
    s3 = boto3.client(
        "s3",
        region_name=source["region_name"],
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
        config=Config(signature_version="s3v4"),
    )
    s3_object = {"Bucket": source["bucket_name"], "Key": params["file_path"]}
    url = s3.generate_presigned_url("get_object", Params=s3_object, ExpiresIn=params["expires_in"])
    (destination / "url").write_text(url)
    json.dump({"version": request["version"], "metadata": []}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
