"""Whether the server that was started answers, and is the one that was started."""

import base64
import hashlib
import hmac
import http.client
import json
import time

from lkctl.localserver.config import HOST
from lkctl.secret import Secret

_PATIENCE = 2.0  # seconds for one answer


def is_ready(port: int, key: str, secret: Secret) -> bool:
    """Tell whether `GET /` answers 200 `OK`, and the API accepts our key.

    The second tells our server from another that took the port first.
    """
    return _answer(port, "GET", "/", {}) == (200, b"OK") and _accepts(port, key, secret)


def _accepts(port: int, key: str, secret: Secret) -> bool:
    headers = {"Authorization": f"Bearer {_token(key, secret)}", "Content-Type": "application/json"}
    return _answer(port, "POST", "/twirp/livekit.RoomService/ListRooms", headers)[0] == http.client.OK


def _answer(port: int, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=_PATIENCE)
    try:
        connection.request(method, path, "{}" if method == "POST" else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(1024)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _token(key: str, secret: Secret) -> str:
    """Sign a token by hand: PyJWT warns of short secrets, and a test may well want one."""
    claims = {"iss": key, "exp": int(time.time()) + 60, "video": {"roomList": True}}
    signed = b".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    seal = hmac.new(secret.reveal().encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + _base64(seal)).decode()


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
