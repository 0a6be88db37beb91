"""The versions of what the program is made of."""

import ssl
import sys

import botocore
import msgspec


def of_libraries() -> dict[str, str]:
    """Return the version of Python and of each library, by name."""
    return {
        "python": sys.version.split()[0],
        "msgspec": msgspec.__version__,
        "botocore": botocore.__version__,
        "openssl": ssl.OPENSSL_VERSION.split()[1],
    }
