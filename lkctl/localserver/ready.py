"""Whether the server that was started answers, and is the one that was started."""

import http.client
import time

from lkctl.localserver.config import HOST
from lkctl.secret import Secret
from lkctl.tokens.signer import api_token

_PATIENCE = 2.0  # seconds for one answer


def is_ready(port: int, key: str, secret: Secret) -> bool:
    """Tell whether `GET /` answers 200 `OK`, and the API accepts our key.

    The second tells our server from another that took the port first.
    """
    return _answer(port, "GET", "/", {}) == (200, b"OK") and _accepts(port, key, secret)


def _accepts(port: int, key: str, secret: Secret) -> bool:
    token = api_token(key, secret.reveal(), {"roomList": True}, time.time())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
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
