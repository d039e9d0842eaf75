"""The versions that matter when something goes wrong: of lkctl, Python, the system and LiveKit's packages."""

import platform
from collections.abc import Iterator, Mapping
from typing import Any

from lkctl import __version__

# What a deployment's troubles have to do with; others are nobody's business
_PACKAGES = (
    "livekit", "livekit-agents", "livekit-api", "livekit-protocol", "PyJWT", "jwt", "aiohttp", "protobuf",
    "python-dotenv", "pyyaml", "rich", "typer",
)  # fmt: skip


def versions() -> Mapping[str, Any]:
    """Give them as a document; `packages` holds those that are installed. No path, and no name of the machine."""
    return {
        "lkctl": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "openssl": _openssl(),
        "packages": dict(_packages()),
    }


def _packages() -> Iterator[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version

    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _openssl() -> str:
    import ssl

    return ssl.OPENSSL_VERSION
