"""The HTTP port of an agent worker, as livekit-agents 1.x serves it (8081): `/` is its health, `/worker` what it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from lkctl.localserver.config import HOST
from tests.lab.parts.relay import serving


@contextmanager
def worker_port(agent_name: str, *, load: float = 0.1, jobs: Callable[[], int] = lambda: 0) -> Iterator[str]:
    """Serve what a worker of this name says about itself; give its URL."""
    about: dict[str, object] = {
        "agent_name": agent_name,
        "worker_type": "JT_ROOM",
        "worker_load": load,
        "sdk_version": "1.8.9",
        "project_type": "python",
    }

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return (
            web.json_response({**about, "active_jobs": jobs()})
            if request.path == "/worker"
            else web.Response(text="OK")
        )

    with serving(answer) as port:
        yield f"http://{HOST}:{port}"
