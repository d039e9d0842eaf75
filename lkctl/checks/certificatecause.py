"""Why TLS, or the certificate, fails: each way has its own cause, found by looking at what the server shows."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lkctl.checks.elsewhere import look_elsewhere
from lkctl.checks.inquiry import attempt, trying
from lkctl.checks.result import Problem
from lkctl.checks.urlfix import with_origin
from lkctl.checks.world import World
from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.server import link
from lkctl.server.answers import clock_skew
from lkctl.server.certificate import Certificate, present, untrusting
from lkctl.server.deadline import Deadline
from lkctl.server.http import Connections, Request
from lkctl.settings.hosts import is_address
from lkctl.settings.url import ServerUrl

if TYPE_CHECKING:
    import ssl

# OpenSSL's numbers (x509_vfy.h)
_NOT_YET, _EXPIRED, _OWN, _OWN_IN_CHAIN, _NO_ISSUER, _NO_SIGNER = 9, 10, 18, 19, 20, 21
_OTHER_NAME, _OTHER_ADDRESS = 62, 64
_MOST_NAMES, _MOST_SHOWN = 5, 5
_BUNDLE = (
    "Slim images have none: apt-get install ca-certificates, or apk add ca-certificates; Python of python.org on macOS:"
    " run its Install Certificates.command; else point SSL_CERT_FILE to one, such as that of `python -m certifi`"
)


def no_tls(world: World, error: LkctlError) -> Problem:
    """The handshake failed, or never ended: is something else spoken there?"""
    other = look_elsewhere(world)
    said, code, first = error.message, error.code, other.first
    if first is not None and not first.secure and first.port == world.server_url().port:
        said, code = f"{first.host}:{first.port} speaks no TLS: LiveKit answers there without", "tls-plain-port"
    elif first is not None:
        said = f"{said}; but LiveKit answers at {first}"
    return Problem(
        with_origin(world, said),
        hint=other.hint or error.hint,
        code=code,
        evidence=(error.message, *other.evidence),
        ruled_out=other.ruled_out if first is None else (),
        fix=other.fix,
    )


def untrusted(
    world: World, url: ServerUrl, error: link.UntrustedError, trusted: "ssl.SSLContext"
) -> Problem | LkctlError:
    """Look at what the server shows, without trust, and tell the causes apart."""
    deadline = trying(world)
    shown = attempt(lambda: present(url.host, url.port, deadline)) or ()
    own = shown[0] if shown else None
    if own is None:
        return error
    if error.reason in {_NOT_YET, _EXPIRED}:
        return _untimely(url, own, shown, deadline)
    if error.reason in {_OTHER_NAME, _OTHER_ADDRESS}:
        return _other_name(world, url, own)
    if not trusted.cert_store_stats()["x509_ca"] and not _has_folder():
        return _no_bundle(world, url, own)
    if own.own:
        said = f"the certificate of {url.host} is self-signed ({own.subject}): nobody vouches for it"
        hint = "Get one from an authority, such as Let's Encrypt; for development trust it with SSL_CERT_FILE"
        return _certificate_problem(said, hint, own, shown)
    return _no_issuer(url, own, shown)


def _untimely(url: ServerUrl, own: Certificate, shown: Sequence[Certificate], deadline: Deadline) -> Problem:
    """Ended, or not begun: by this machine's clock. The server's clock tells whether it is the clock that is wrong."""
    bad = next((one for one in shown if not one.begins <= _now() <= one.ends), own)
    whose = f"of {url.host}" if bad is own else f"of {bad.subject}, which vouches for that of {url.host},"
    skew = attempt(lambda: _skew(url, deadline))
    right = skew is not None and bad.begins <= _now() + skew <= bad.ends
    times = f"it is valid from {_day(bad.begins)} to {_day(bad.ends)}; this machine's clock says {_day(_now())}"
    theirs = f"by the server's clock it is {_day(_now() + (skew or 0))}"
    if right and skew is not None:
        side = "behind" if skew > 0 else "ahead of"
        said = f"this machine's clock is {say_duration(skew)} {side} that of {url.http}: the certificate is in time"
        hint = "Set the clock that is wrong, with NTP for example: timedatectl set-ntp true"
        return Problem(said, hint=hint, code="auth-clock", evidence=(times, theirs))
    if _now() > bad.ends:
        said, hint = f"ended {say_duration(_now() - bad.ends)} ago", "Renew it, and reload the proxy"
    else:
        said, hint = f"begins in {say_duration(bad.begins - _now())}", "Use another one until then"
    return Problem(
        f"the certificate {whose} {said}",
        hint=hint,
        code="tls-certificate",
        evidence=(times,),
        ruled_out=() if skew is None else (f"the clock: {theirs}",),
    )


def _other_name(world: World, url: ServerUrl, own: Certificate) -> Problem:
    names = ", ".join(own.names[:_MOST_NAMES]) or own.subject
    more = f" and {len(own.names) - _MOST_NAMES} more" if len(own.names) > _MOST_NAMES else ""
    said = with_origin(world, f"the certificate is for {names}{more}, not for {url.host}")
    hint = "Write the host that it is for into LIVEKIT_URL, or get one for this host"
    if is_address(url.host):
        hint = f"Write a name instead of the address: {url.scheme}://NAME"
    elif "DEFAULT" in own.subject.upper() or "FAKE" in own.subject.upper():
        hint = f"It is the proxy's own stand-in: its configuration has no route or certificate for {url.host}"
    return Problem(
        said, hint=hint, code="tls-certificate", evidence=(f"it was issued to {own.subject} by {own.issuer}",)
    )


def _no_bundle(world: World, url: ServerUrl, own: Certificate) -> Problem:
    named = world.environ.get("SSL_CERT_FILE")
    where = f"SSL_CERT_FILE={named} holds no certificate" if named else "this Python has no bundle of authorities"
    said = f"no authority is trusted here ({where}), so the certificate of {url.host} cannot be judged"
    evidence = (f"the certificate of {url.host} was issued by {own.issuer}", "0 authorities are loaded here")
    hint = f"Correct or unset SSL_CERT_FILE. {_BUNDLE}" if named else _BUNDLE
    return Problem(said, hint=hint, code="tls-certificate", evidence=evidence)


def _no_issuer(url: ServerUrl, own: Certificate, shown: Sequence[Certificate]) -> Problem:
    """The chain ends with somebody who is unknown here: left out by the server, or private."""
    last = shown[-1]
    if len(shown) == 1 and own.fetchable:
        said = f"{url.host} leaves out the certificate of {own.issuer}, which issued its own: the chain is incomplete"
        hint = "Let the proxy serve the full chain (fullchain.pem, not cert.pem); browsers fetch the rest, SDKs do not"
        return _certificate_problem(said, hint, own, shown)
    if last.own:
        said = f"the certificate of {url.host} comes from {last.subject}, an authority that is not trusted here"
    else:
        said = f"the certificate of {url.host} was issued by {last.issuer}, which is not trusted here"
    hint = "For a private CA set SSL_CERT_FILE to its certificate, also where agents run; else serve the full chain"
    return _certificate_problem(said, hint, own, shown)


def _certificate_problem(said: str, hint: str, own: Certificate, shown: Sequence[Certificate]) -> Problem:
    chain = " <- ".join(f"{one.subject} (by {one.issuer})" for one in shown[:_MOST_SHOWN])
    times = f"it is valid from {_day(own.begins)} to {_day(own.ends)}"
    in_time = own.begins <= _now() <= own.ends
    return Problem(
        said,
        hint=hint,
        code="tls-certificate",
        evidence=(
            f"the server shows {len(shown)} certificate{'s' if len(shown) > 1 else ''}: {chain}",
            *(() if in_time else (f"besides, {times}",)),
        ),
        ruled_out=(f"the times: {times}",) if in_time else (),
    )


def _has_folder() -> bool:
    """Whether authorities may lie in a folder, from which they are loaded one by one when they are needed."""
    import ssl

    paths = ssl.get_default_verify_paths()
    folder = paths.capath
    try:
        return folder is not None and any(os.scandir(folder))
    except OSError:
        return False


def _skew(url: ServerUrl, deadline: Deadline) -> float | None:
    return clock_skew(Connections(url, trusted=untrusting()).exchange(Request("GET", "/"), deadline))


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _day(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar has"
