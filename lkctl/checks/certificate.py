"""Is TLS spoken, with a certificate that is trusted here?"""

from datetime import UTC, datetime

from lkctl.checks.inquiry import TIMEOUT, waiting
from lkctl.checks.result import Check, NotApplicable, Problem, Severity
from lkctl.checks.verdict import number_of
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server import link
from lkctl.settings.url import ServerUrl

_WARN = 14  # days


def _tls(world: World) -> str:
    """For https and wss: the chain is trusted here, the name fits, the times are right, 14 days are left.

    It is judged by what this Python trusts; browsers and containers may trust something else.
    """
    url = world.server_url()
    if not url.secure:
        raise NotApplicable(f"{url.scheme} speaks no TLS")
    deadline = waiting(world)
    trusted = link.trust()
    try:
        with (
            link.connect(url.host, url.port, deadline) as plain,
            link.secure(plain, url.host, deadline, trusted) as spoken,
        ):
            ends, version = str((spoken.getpeercert() or {}).get("notAfter", "")), spoken.version()
    except link.UntrustedError as error:
        from lkctl.checks.certificatecause import untrusted

        raise untrusted(world, url, error, trusted) from None
    except LkctlError as error:
        from lkctl.checks.certificatecause import no_tls

        raise no_tls(world, error) from None
    return _days(url, ends, version or "TLS")


def _days(url: ServerUrl, ends: str, version: str) -> str:
    """Judge the end of a certificate that is trusted, worded as the ssl module does: `Jun  1 12:00:00 2030 GMT`."""
    end = datetime.strptime(ends, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    left = (end - datetime.now(UTC)).days
    if left < _WARN:
        hint = "Renew it; check that the renewal job still runs"
        raise Problem(
            f"the certificate of {url.host} ends in {number_of(left, 'day')}", hint=hint, severity=Severity.warn
        )
    return f"the certificate of {url.host} is valid for {number_of(left, 'day')} ({version})"


CERTIFICATE_CHECKS: tuple[Check[World], ...] = (
    Check("net.tls", "Certificate is valid", _tls, needs=("net.tcp",), timeout=TIMEOUT),
)
