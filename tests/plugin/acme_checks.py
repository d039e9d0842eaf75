"""What `lkctl diagnose` judges at Acme, beside all else."""

from lkctl.checks import Check, Finding, Problem, Problems, Severity, World, api_of

HOSTS = ("livekit.acme.example", "127.0.0.1")
PREFIX = "acme-"
OURS = "lkctl-"  # rooms of lkctl's own, for seconds


def _host(world: World) -> str:
    """The server is one of ours, and no trial that somebody has forgotten."""
    host = world.server_url().host
    if host not in HOSTS:
        origin = world.origin("LIVEKIT_URL")
        raise Problem(f"{host} is none of our servers", hint=f"Use wss://{HOSTS[0]}", evidence=[f"it is from {origin}"])
    return f"{host} is ours"


def _rooms(world: World) -> str:
    """Every room is named as our billing wants it: acme-CUSTOMER."""
    names = [room.name for room in api_of(world).list_rooms() if not room.name.startswith(OURS)]
    strange = [name for name in names if not name.startswith(PREFIX)]
    if strange:
        raise Problems([Finding(f"room {name} is nobody's", f"Name it {PREFIX}CUSTOMER") for name in strange])
    return f"{len(names)} rooms, each of a customer"


CHECKS = (
    Check("acme.host", "Server is ours", _host, needs=("url.form",)),
    Check("acme.rooms", "Rooms have customers", _rooms, needs=("api.auth",), severity=Severity.warn),
)
