"""Mint a token, take one apart, hold one against what it must be. Run it: python tokens.py"""

import os
import time

from lkctl.errors import LkctlError
from lkctl.tokens import Pair, TokenRequest, Wishes, decode, hold, mint, parse_demand

pair = Pair("mine", "APIabcdefghijkl", "a-secret-of-at-least-32-characters")  # a name for messages, key, secret
now = time.time()

minted = mint(TokenRequest(user_id="user_1704067200000_abc123", ttl=3600), pair, now=now, entropy=os.urandom)

decoded = decode(minted.token, pair, now=now)
print(decoded.valid, decoded.join.status, decoded.user_id, decoded.reading.room)

demands = parse_demand("canPublishSources~camera"), parse_demand("!roomAdmin")
wishes = Wishes(room="demo", min_ttl=300, demands=demands)  # times in seconds
for expectation in hold(decoded, wishes):
    print("met" if expectation.met else "NOT MET", expectation.expected, "->", expectation.found)

for finding in decode(minted.token, pair, now=now + 7200).findings:
    print(finding.severity, finding.id, finding.message, "->", finding.hint)

try:
    mint(TokenRequest(identity="alice"), pair, now=now, entropy=os.urandom)
except LkctlError as error:
    print(error.code, error.message)
