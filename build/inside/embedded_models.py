"""Gives botocore its models from inside the program, instead of from files.

`data.py` generates `botocore_data`: FILES maps names ("s3/2006-03-01/service-2") to packed JSON.
"""

import os
import zlib
from typing import Any

import msgspec
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader
from botocore_data import FILES


class EmbeddedLoader(Loader):  # type: ignore[misc]  # botocore is not typed
    """Loads models from the program only. Custom models in ~/.aws/models are of no use here."""

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the services that have a model of this type."""
        return sorted({name.split("/")[0] for name in FILES if name.endswith(f"/{type_name}")})

    def list_api_versions(self, service_name: str, type_name: str) -> list[str]:
        """Return the versions of a service's model."""
        parts = (name.split("/") for name in FILES if name.count("/") == 2)
        versions = [
            version
            for service, version, kind in parts
            if (service, kind) == (service_name, type_name)
        ]
        if not versions:
            raise DataNotFoundError(data_path=service_name)
        return sorted(versions)

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """Return a file's content, and a path that marks it as part of botocore."""
        if name not in self._cache:
            if name not in FILES:
                raise DataNotFoundError(data_path=name)
            self._cache[name] = msgspec.json.decode(zlib.decompress(FILES[name]))
        return self._cache[name], os.path.join(self.BUILTIN_DATA_PATH, name)


def create_loader(search_path_string: str | None = None) -> Loader:
    """Return the loader. Replaces the function of this name in botocore.loaders."""
    return EmbeddedLoader()
