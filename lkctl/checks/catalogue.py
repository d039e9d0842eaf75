"""All checks, in the order in which they are reported, and the choice among them."""

from lkctl.checks.credentials import CREDENTIAL_CHECKS
from lkctl.checks.environment import ENVIRONMENT_CHECKS
from lkctl.checks.network import NETWORK_CHECKS
from lkctl.checks.result import Check
from lkctl.checks.selection import choose
from lkctl.checks.url import URL_CHECKS
from lkctl.checks.world import World

ALL_CHECKS: tuple[Check[World], ...] = (*ENVIRONMENT_CHECKS, *URL_CHECKS, *NETWORK_CHECKS, *CREDENTIAL_CHECKS)


def find_check(name: str) -> Check[World]:
    """Give one check; raise `usage` for an unknown id."""
    return choose(ALL_CHECKS, [name], None)[0]
