"""Which user ID will the agent use? The same resolver answers in the tool and inside an agent.

    resolution = resolve(snapshot_from_job(ctx, Snapshot(env=os.environ, now_ms=..., rng=secrets.randbelow)))

Everything here is pure: environment, clock and randomness are handed in, and no SDK is imported. What is named in
`__all__` is the public face; it is loaded when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.userid.adapters import snapshot_from_api, snapshot_from_job, snapshot_from_rtc
    from lkctl.userid.documents import resolution_json, snapshot_from_json
    from lkctl.userid.log import log_lines
    from lkctl.userid.notices import HINTS, WARNINGS, Notice
    from lkctl.userid.policy import PRESETS, SOURCES, Policy, build_policy
    from lkctl.userid.resolver import Resolution, resolve
    from lkctl.userid.snapshot import ENV_NAME, Job, Participant, Permission, Room, Snapshot
    from lkctl.userid.verdict import TraceStep

_HOMES = {
    **dict.fromkeys(("snapshot_from_api", "snapshot_from_job", "snapshot_from_rtc"), "lkctl.userid.adapters"),
    **dict.fromkeys(("resolution_json", "snapshot_from_json"), "lkctl.userid.documents"),
    "log_lines": "lkctl.userid.log",
    **dict.fromkeys(("HINTS", "WARNINGS", "Notice"), "lkctl.userid.notices"),
    **dict.fromkeys(("PRESETS", "SOURCES", "Policy", "build_policy"), "lkctl.userid.policy"),
    **dict.fromkeys(("Resolution", "resolve"), "lkctl.userid.resolver"),
    **dict.fromkeys(("ENV_NAME", "Job", "Participant", "Permission", "Room", "Snapshot"), "lkctl.userid.snapshot"),
    "TraceStep": "lkctl.userid.verdict",
}

__all__ = [
    "ENV_NAME",
    "HINTS",
    "PRESETS",
    "SOURCES",
    "WARNINGS",
    "Job",
    "Notice",
    "Participant",
    "Permission",
    "Policy",
    "Resolution",
    "Room",
    "Snapshot",
    "TraceStep",
    "build_policy",
    "log_lines",
    "resolution_json",
    "resolve",
    "snapshot_from_api",
    "snapshot_from_job",
    "snapshot_from_json",
    "snapshot_from_rtc",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562): `lkctl token decode` reads a user ID with two of these modules."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
