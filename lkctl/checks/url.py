"""Is the server's URL one that can work? Judged by its text and by where lkctl runs; nothing is resolved."""

import re
from collections.abc import Iterator

from lkctl.checks.result import Check, Finding, Severity
from lkctl.checks.spelling import REMEDY, is_placeholder
from lkctl.checks.urlfix import likely_right, url_fix
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.settings.hosts import ANY_ADDRESSES, DOCKER_HOST, is_address, is_inner, is_private, is_service_name
from lkctl.settings.layers import URL
from lkctl.settings.url import ServerUrl, is_loopback

_EXPLICIT_PORT = re.compile(r"^\w+://[^/]*:(?P<port>\d+)(?:/|$)")
# Project, or project.region.production (client-sdk-js and the region list of Cloud give such hosts), or staging
_PROJECT_HOST = re.compile(r"[a-z0-9-]+(?:\.staging|\.[a-z0-9-]+\.(?:production|staging))?\.livekit\.cloud")
_MISSPELT = re.compile(r"\.livekit\.(?:com|cloud\.\w+|clo?u?d?)$")
_SERVICE_HOST = re.compile(r"(?:.*\.)?(?:sip|turn|host)\.livekit\.cloud")
_ENDPOINTS = re.compile(r"/(?:rtc|twirp|agent|settings|v1)(?:/|$)")


def _form(world: World) -> str:
    """LIVEKIT_URL has a scheme of ws, wss, http or https, a host, a possible port, and nothing else but a path."""
    written = world.value(URL)
    if is_placeholder(URL, written):
        said = f"{written} is a placeholder, not the URL of a server"
        return settle([Finding(said, REMEDY, world.origin(URL), Severity.fail)], "", code="url-invalid")
    try:
        url = world.server_url()
    except LkctlError as error:
        setting = world.settings.setting(URL)
        right = likely_right(setting.text) if setting is not None else None
        fix = url_fix(world, right) if right is not None else None
        hint = error.hint if right is None or str(right) in error.hint else f"{error.hint}: {right}"
        return settle([Finding(error.message, hint, severity=Severity.fail, fix=fix)], "", code=error.code)
    return f"{url} ({world.origin(URL)})" if str(url) == written else f"{written} is {url} ({world.origin(URL)})"


def _cloud(world: World) -> str:
    """The host is that of a server: no dashboard, no SIP host, no misspelt host of LiveKit Cloud."""
    url = world.server_url()
    said = "a host of LiveKit Cloud" if url.cloud else "not of LiveKit Cloud"
    return settle(_cloud_findings(world, url), f"{url.host} is {said}")


def _cloud_findings(world: World, url: ServerUrl) -> Iterator[Finding]:
    place = world.origin(URL)
    port = _EXPLICIT_PORT.match(world.value(URL))
    if url.host == "livekit.io" or url.host.endswith(".livekit.io"):
        said = f"{url.host} is a web site of LiveKit's, not a server: calls get its pages, or 404"
        hint = "Copy the project's URL, wss://<project>.livekit.cloud, from the settings of the project there"
        yield Finding(said, hint, place, Severity.fail)
    elif _SERVICE_HOST.fullmatch(url.host):
        said = f"{url.host} is for SIP or TURN, not for the API and clients"
        yield Finding(said, "Copy the project's URL, wss://<project>.livekit.cloud", place, Severity.fail)
    elif url.host == "livekit.cloud" or (url.cloud and not _PROJECT_HOST.fullmatch(url.host)):
        said = f"{url.host} is not the host of a Cloud project"
        hint = "It is <project>.livekit.cloud, as the project's settings show it"
        yield Finding(said, hint, place, Severity.warn, ("net.dns", "http.livekit"))
    elif url.cloud and port is not None and port["port"] != "443":
        said = f"Cloud listens on 443 only, and the URL says {port['port']}: connections time out"
        fix = url_fix(world, ServerUrl("wss", url.host, 443))
        yield Finding(said, f"Write wss://{url.host}", place, Severity.warn, ("net.tcp",), fix)
    elif not url.cloud and _MISSPELT.search(url.host):
        said = f"{url.host} looks like a misspelt host of LiveKit Cloud"
        explains = ("net.dns", "net.tcp", "net.tls", "http.livekit")
        yield Finding(said, "Cloud's hosts end in .livekit.cloud", place, Severity.warn, explains)


def _scheme(world: World) -> str:
    """To a public host the scheme is wss or https; to this machine or an address it is plain, unless net.tls passes.

    Pages of https refuse ws, except to localhost; and only pages of https or localhost get a camera or microphone.
    """
    url = world.server_url()
    passed = f"{url.scheme} fits {url.host}"
    if not url.secure and not is_inner(url.host):
        passed += "; pages that use it must be of http then, and get neither camera nor microphone"
    return settle(_scheme_findings(world, url, world.origin(URL)), passed)


def _scheme_findings(world: World, url: ServerUrl, place: str) -> Iterator[Finding]:
    secure = "wss" if url.scheme in {"ws", "wss"} else "https"
    plain = "ws" if url.scheme in {"ws", "wss"} else "http"
    if not url.secure and not is_private(url.host):
        said = f"{url.scheme} to {url.host} is not encrypted: tokens can be read on the way; https pages refuse it"
        port = 443 if url.cloud or url.port == 80 else url.port  # noqa: PLR2004
        right = ServerUrl(secure, url.host, port, url.path)
        fix = url_fix(world, right) if url.cloud else None  # of another server one cannot know where it speaks TLS
        yield Finding(said, f"Write {right}", place, Severity.warn, fix=fix)
    elif url.secure and (is_loopback(url.host) or is_address(url.host) or is_service_name(url.host)):
        said = f"certificates are seldom made for {url.host}: expect a TLS error, unless this one is"
        hint = f"For a server without TLS write {plain}://{url.netloc}; with TLS use its name"
        yield Finding(said, hint, place, Severity.info)  # net.tls tells


def _path(world: World) -> str:
    """Nothing follows the host, unless a proxy shows LiveKit under a path: http.livekit tells whether it does."""
    url = world.server_url()
    return settle(_path_findings(world, url), f"nothing follows {url.netloc}")


def _path_findings(world: World, url: ServerUrl) -> Iterator[Finding]:
    place, right = world.origin(URL), url._replace(path="")
    if _ENDPOINTS.match(url.path):
        said = f"{url.path} is an endpoint, which SDKs add themselves: they then call {url.path}/rtc and get 404"
        yield Finding(said, f"Write {right}", place, Severity.warn, fix=url_fix(world, right))
    elif url.path:
        said = f"the URL has the path {url.path}: right if a proxy shows LiveKit there, else 404; older agents drop it"
        yield Finding(said, f"If no proxy is set up for it, write {right}", place, Severity.info)  # http.livekit tells
    elif world.value(URL).endswith("/"):
        said = "the URL ends in a slash; some SDKs then call //rtc, and a proxy answers 404 (livekit-client 2.9.6)"
        yield Finding(said, f"Write {right}", place, Severity.warn, fix=url_fix(world, right))


def _container(world: World) -> str:
    """The host means the server where lkctl runs: localhost, services and the like differ inside of containers."""
    url = world.server_url()
    where = "in a container" if world.in_container else "outside of containers"
    return settle(_container_findings(world, url), f"{url.host}, and lkctl runs {where}")


def _container_findings(world: World, url: ServerUrl) -> Iterator[Finding]:
    place, host = world.origin(URL), url.host
    if world.in_container and (is_loopback(host) or host in ANY_ADDRESSES):
        yield from _own_container(world, url)
    elif host in ANY_ADDRESSES:
        said = f"{host} is an address to listen on, not one to connect to: browsers and other machines cannot use it"
        right = url._replace(host="localhost")
        yield Finding(said, f"Write {right}", place, Severity.warn, fix=url_fix(world, right))
    elif not world.in_container and host == DOCKER_HOST:
        said = f"{host} is known in containers of Docker Desktop only, and this is none"
        hint = f"Write {url.scheme}://localhost:{url.port} for use outside"
        yield Finding(said, hint, place, Severity.warn)
    elif not world.in_container and is_service_name(host) and not is_address(host):
        said = f"{host} looks like the name of a compose service, which only containers of that network know"
        hint = f"Outside write {url.scheme}://localhost and the published port"
        yield Finding(said, hint, place, Severity.warn)


def _own_container(world: World, url: ServerUrl) -> Iterator[Finding]:
    """Loopback is right in a container where something listens on the port: a server inside, or the host's network.

    Where nothing does it may not have been started yet: whether it answers is for net.tcp to say, which looks further.
    """
    listens = world.listens(url.port)
    if listens:
        return
    sure = listens is not None
    seen = f"nothing listens on {url.port} here" if sure else "this cannot be told apart from a server inside of it"
    said = f"lkctl runs in a container, where {url.host} is the container itself, and {seen}: connections are refused"
    hint = "Write the name of the server's service, such as ws://livekit:7880, or host.docker.internal for the host"
    yield Finding(said, hint, world.origin(URL), Severity.warn)


URL_CHECKS: tuple[Check[World], ...] = (
    Check("url.form", "URL is well formed", _form),
    Check("url.cloud", "URL is that of a server", _cloud, needs=("url.form",)),
    Check("url.scheme", "Scheme fits the host", _scheme, needs=("url.cloud",), severity=Severity.warn),
    Check("url.path", "URL has no path", _path, needs=("url.cloud",), severity=Severity.warn),
    Check("url.container", "Host fits where lkctl runs", _container, needs=("url.cloud",), severity=Severity.warn),
)
