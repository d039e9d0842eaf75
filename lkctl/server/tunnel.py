"""HTTP proxies: whether one lets a connection through (CONNECT: RFC 9110, 9.3.6)."""

from binascii import b2a_base64
from contextlib import closing

from lkctl.server.deadline import Deadline
from lkctl.server.faults import broken
from lkctl.server.link import connect, late
from lkctl.server.wire import MalformedError, Wire
from lkctl.settings.url import ServerUrl


def ask_tunnel(proxy: ServerUrl, login: str, host: str, port: int, deadline: Deadline) -> int:
    """Ask a proxy for a connection to host and port, and give its status; the connection is closed unused.

    `login` is `user:password`, or "". Raises LkctlError of the codes net-, http-.
    """
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if login:
        lines.append(f"Proxy-Authorization: Basic {b2a_base64(login.encode(), newline=False).decode()}")
    with closing(Wire(connect(proxy.host, proxy.port, deadline))) as wire:
        try:
            wire.send("\r\n".join([*lines, "", ""]).encode("idna" if not target.isascii() else "ascii"), deadline)
            return wire.receive(deadline, head_only=True).status
        except TimeoutError:
            raise late(f"the answer of the proxy {proxy.http}", deadline) from None
        except (MalformedError, OSError) as error:
            raise broken(proxy, error) from None
