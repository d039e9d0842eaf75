"""The steps of `smoke` without a server: how metadata is compared, and which checks a run makes."""

from typing import Any

import pytest

from lkctl.checks.catalogue import checks_of
from lkctl.checks.smoke import SMOKE_CHECKS, differences
from lkctl.checks.smokeplan import smoke_plan
from lkctl.checks.world import NO_SCOPE, Scope, Smoke

SMOKE = Smoke("user_1704067200000_abc123", "lkctl-smoke-", 1704067200000)
SENT = '{"userId": "user_1704067200000_abc123", "createdBy": "lkctl smoke", "timestamp": 1704067200000}'

COMPARED: list[Any] = [
    pytest.param(SENT, [], id="the same"),
    pytest.param(SENT.replace(": ", ":"), [], id="written otherwise"),
    pytest.param("", ["it is empty"], id="empty"),
    pytest.param("{broken", ["it is not JSON: "], id="broken"),
    pytest.param("[" * 5000, ["it is not JSON: "], id="deep"),
    pytest.param('"text"', ["it is no JSON object"], id="no object"),
    pytest.param("{}", ["userId is missing", "createdBy is missing", "timestamp is missing"], id="nothing in it"),
    pytest.param(SENT.replace("abc", "xyz"), ["userId is 'user_1704067200000_xyz123' instead of 'user_"], id="another"),
    pytest.param(SENT.replace("1704067200000}", '"1704067200000"}'), ["timestamp is "], id="another type"),
    pytest.param(SENT.replace("1704067200000}", "1704067200001}"), ["timestamp is '1704067200001'"], id="another time"),
    pytest.param(SENT.replace("{", '{"a": 1, '), ["nobody sent 'a'"], id="one more"),
    pytest.param(SENT.replace("abc", "\\u001b[31m" * 5000), ["userId is 'user_1704067200000_\\x1b"], id="hostile"),
]


@pytest.mark.parametrize(("found", "said"), COMPARED)
def test_differences_of_metadata(found: str, said: list[str]) -> None:
    """Field by field, by value and type; of what is foreign only a little is shown."""
    told = list(differences(SMOKE.metadata(), found))
    assert len(told) == len(said), told
    for one, begin in zip(told, said, strict=True):
        assert one.startswith(begin)
        assert len(one) < 300
        assert "\x1b" not in one


PLANS: list[Any] = [
    pytest.param({}, False, "env http clock api smoke", id="plain"),
    pytest.param({"media": True}, False, "env http clock api smoke media", id="media"),
    pytest.param({"agent": "a", "probe": True}, False, "env http clock api smoke probe", id="agent"),
    pytest.param({"token": "t"}, False, "env http clock api smoke token", id="token"),
    pytest.param({"token_endpoint": "http://a"}, False, "env http clock api smoke endpoint", id="endpoint"),
    pytest.param({}, True, "env http clock api smoke", id="strict"),
]


@pytest.mark.parametrize(("scope", "strict", "areas"), PLANS)
def test_what_is_shown(scope: dict[str, Any], strict: bool, areas: str) -> None:
    """And that all which they need is run, and all that may be behind a failure."""
    plan = smoke_plan(Scope(smoke=SMOKE, **scope), strict=strict)
    ids = [check.id for check in plan.checks]
    assert plan.asked <= set(ids)
    assert list(dict.fromkeys(name.partition(".")[0] for name in ids if name in plan.asked)) == areas.split()
    assert all(set(check.needs) <= set(ids) for check in plan.checks)
    assert {"env.spelling", "env.shape", "url.container", "net.dns", "net.tcp", "net.tls"} <= set(ids) - plan.asked
    assert ("env.exposure" in plan.asked) == strict
    assert not {"server.version", "server.services", "http.latency", "agent.seen", "probe.worker"} & plan.asked


def test_no_other_run_makes_its_steps() -> None:
    """They make something on the server."""
    assert not [check for check in checks_of(NO_SCOPE) if check.area == "smoke"]
    assert {check.scope for check in SMOKE_CHECKS} == {"smoke"}


def test_what_is_made_is_taken_away_whatever_came_of_the_rest() -> None:
    """The deletion needs none of the steps before it, and comes after all of them."""
    by_id = {check.id: check for check in SMOKE_CHECKS}
    names = list(by_id)
    delete = by_id["smoke.delete"]
    assert not {name for name in delete.needs if name.startswith("smoke.")}
    assert list(delete.after) == names[: names.index("smoke.delete")]
