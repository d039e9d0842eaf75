"""Token endpoints of apps: what a front end asks for its token."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from lkctl.localserver.config import HOST
from tests.lab.parts.relay import serving

CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Access-Control-Allow-Methods": "*"}


@contextmanager
def token_endpoint(url: str, token: Callable[[str], str]) -> Iterator[str]:
    """Hand out tokens for this server as LiveKit's examples do; `token` makes one for an identity. Give its URL."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=CORS)
        body = await request.read()
        wanted = json.loads(body) if body else {}
        identity = wanted.get("participant_identity") or f"user-{secrets.token_hex(4)}"
        return web.json_response({"server_url": url, "participant_token": token(identity)}, headers=CORS)

    with serving(answer) as port:
        yield f"http://{HOST}:{port}/api/token"
