"""Which user ID will the agent use? The same resolver answers in the tool and inside an agent.

    resolution = resolve(snapshot_from_job(ctx, Snapshot(env=os.environ, now_ms=..., rng=secrets.randbelow)))

Everything here is pure: environment, clock and randomness are handed in, and no SDK is imported.
"""

from lkctl.userid.adapters import snapshot_from_api, snapshot_from_job, snapshot_from_rtc
from lkctl.userid.documents import resolution_json, snapshot_from_json
from lkctl.userid.log import log_lines
from lkctl.userid.notices import HINTS, WARNINGS, Notice
from lkctl.userid.policy import PRESETS, SOURCES, Policy, build_policy
from lkctl.userid.resolver import Resolution, resolve
from lkctl.userid.snapshot import ENV_NAME, Job, Participant, Permission, Room, Snapshot
from lkctl.userid.verdict import TraceStep

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
