"""A real nginx before a server: what stands between most people and their LiveKit."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lkctl.localserver.child import Child
from lkctl.localserver.config import HOST, free_tcp_port
from tests.harness import lacking
from tests.lab.parts.certificates import Certificate

_READY_WITHIN = 10.0
# What LiveKit needs of a proxy
UPGRADE = """
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
    proxy_read_timeout 3600s;
"""
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen {host}:{port}{tls};
        {certificate}
        {locations}
    }}
}}
"""


@contextmanager
def nginx(locations: str, certificate: Certificate | None = None) -> Iterator[int]:
    """Run nginx with these `location` blocks on loopback, with TLS if there is a certificate; give its port."""
    program = _program()
    with tempfile.TemporaryDirectory(prefix="lkctl-nginx-") as name:
        folder, port = Path(name), free_tcp_port()
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                host=HOST,
                port=port,
                tls=" ssl" if certificate else "",
                certificate=_certificate(folder, certificate),
                locations=locations,
            )
        )
        child = Child([program, "-c", str(configuration), "-p", name, "-e", f"{name}/error.log"], env=dict(os.environ))
        try:
            _await(port, child)
            yield port
        finally:
            child.kill()


def proxied(port: int, path: str = "/", to: str = "/", how: str = UPGRADE) -> str:
    """Pass what is below a path on to a port of this machine; `to` "" leaves the path as it is."""
    return f"location {path} {{ proxy_pass http://{HOST}:{port}{to}; {how} }}"


def _certificate(folder: Path, certificate: Certificate | None) -> str:
    if certificate is None:
        return ""
    (folder / "chain.pem").write_bytes(certificate.chain)
    (folder / "key.pem").write_bytes(certificate.key)
    return f"ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;"


def _program() -> str:
    """Find nginx."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        lacking("no nginx on PATH (Debian: apt-get install --no-install-recommends nginx)")
    return program


def _await(port: int, child: Child) -> None:
    end = time.monotonic() + _READY_WITHIN
    while True:
        try:
            socket.create_connection((HOST, port), 1.0).close()
        except OSError:
            assert not child.wait(0.02), child.lines()
            assert time.monotonic() < end, child.lines()
        else:
            return
