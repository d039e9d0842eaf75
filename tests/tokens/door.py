"""The real server's GET /rtc/validate, asked without a word more than the token."""

import http.client
from urllib.parse import urlsplit


class Door:
    """A kept-alive connection; close it in the end."""

    def __init__(self, http_url: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(http_url).netloc, timeout=10)

    def ask(self, token: str) -> tuple[int, str]:
        """Give status and reason, the token in it written `<JWT>`."""
        try:
            return self._ask(token)
        except (ConnectionError, http.client.HTTPException):  # the server closes it after an answer of 431
            self.close()
            return self._ask(token)

    def close(self) -> None:
        """Leave."""
        self.connection.close()

    def _ask(self, token: str) -> tuple[int, str]:
        self.connection.request("GET", "/rtc/validate", headers={"Authorization": f"Bearer {token}"})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace").replace(token, "<JWT>").strip("\n")


def kind(reason: str | None) -> str:
    """Give a reason without the words of protobuf's reader, which change from build to build on purpose."""
    return (reason or "").partition("proto:")[0]
