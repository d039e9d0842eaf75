"""Which user ID would an agent use? Run it: lkctl room inspect demo -o json | python snapshot.py"""

import json
import sys
from dataclasses import replace

from lkctl.userid import build_policy, resolve, snapshot_from_json

try:
    snapshot = snapshot_from_json(json.load(sys.stdin))
except ValueError as error:  # no JSON, or a field of the wrong type, which it names
    sys.exit(f"no snapshot of a room: {error}")

resolution = resolve(replace(snapshot, env={"CHROME_USER_ID": "user_1700000000000_old"}))
print(resolution.user_id, "from", resolution.source, "trusted" if resolution.trusted else "not trusted")
for step in resolution.trace:
    print(step.status, step.source, step.value, step.reason)
for warning in resolution.warnings:
    print(warning.code, warning.message)

print(resolve(snapshot, build_policy("metadata-only", keys="user.id,userId")).user_id)
