"""The recording that a new room is to begin with: read, checked, and its secrets kept from the screen."""

import re
from collections.abc import Mapping
from typing import Any

from lkctl.errors import LkctlError
from lkctl.files.content import parse_object
from lkctl.secret import mask, remember
from lkctl.tokens.roomconfig import room_config_fault

_PARTS = ("room", "participant", "tracks")
# Keys of livekit_egress.proto that hold secrets, in either spelling; the URLs of streams hold a stream key
_SECRET = {
    "accesskey", "accountkey", "assumeroleexternalid", "credentials", "password", "secret", "sessiontoken",
    "signingkey", "urls",
}  # fmt: skip
# A URL with what may be secret in it: a login, and all from the first ? or # on
_URL = r"(?P<scheme>[a-zA-Z][\w+.-]*://)(?:(?P<login>[^\s/?#]*)@)?(?P<place>[^\s?#]*)(?:(?P<mark>[?#])(?P<query>\S*))?"


def read_egress(text: str) -> Mapping[str, Any]:
    """Read a livekit.RoomEgress as protojson has it; raise `input-malformed` for what the server would not take."""
    egress = parse_object(text, "--egress")
    for secret in _secrets_in(egress):
        remember(secret)
    unknown = next((key for key in egress if key not in _PARTS), None)
    fault = room_config_fault({"egress": egress}).removeprefix(".egress")
    if unknown or fault or not egress:
        told = f"has no key {unknown!r}" if unknown else f"{fault}" if fault else "asks for nothing"
        hint = 'Write it as {"room": {"file_outputs": [{"filepath": "…", "s3": {…}}]}}, or participant, or tracks'
        raise LkctlError("input-malformed", f"--egress {told}", hint=hint)
    return egress


def masked(value: Any, key: str = "") -> Any:
    """Give an egress to look at: in the place of each secret, that there is one."""
    if isinstance(value, dict):
        return {name: masked(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item, key) for item in value]
    if not isinstance(value, str):
        return value
    return mask(value) if _is_secret(key) else re.sub(_URL, _masked_url, value)


def _secrets_in(value: Any, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [secret for name, item in value.items() for secret in _secrets_in(item, name)]
    if isinstance(value, list):
        return [secret for item in value for secret in _secrets_in(item, key)]
    if not isinstance(value, str):
        return []
    return [value] if _is_secret(key) else [part for url in re.finditer(_URL, value) for part in _parts(url)]


def _is_secret(key: str) -> bool:
    return key.replace("_", "").lower() in _SECRET


def _parts(url: re.Match[str]) -> list[str]:
    """Give what is secret in a URL, as a whole and in its parts, each of which may turn up by itself."""
    login, query = url["login"] or "", url["query"] or ""
    values = (pair.partition("=")[2] or pair for pair in re.split("[&;#]", query))
    return [part for part in (login, login.partition(":")[2], query, *values) if part]


def _masked_url(url: re.Match[str]) -> str:
    login = f"{mask(url['login'])}@" if url["login"] else ""
    query = f"{url['mark']}{mask(url['query'])}" if url["query"] else ""
    return f"{url['scheme']}{login}{url['place']}{query}"
