"""Everything that needs boto3: unusual addresses, its credential chain, STS, HTTP.

Imported only when needed: importing botocore takes ten times as long as signing a URL.
"""
