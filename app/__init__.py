"""Gives a Concourse pipeline a presigned S3 URL."""

__version__ = "0.1.0"
__repository__ = "https://github.com/OWNER/s3-presigned-url"
