"""Whole projects: healthy ones without a warning, broken ones with all that is wrong named, and hostile ones."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lkctl.checks.engine import run
from lkctl.checks.report import Report
from lkctl.checks.result import Status
from lkctl.checks.source.catalogue import SOURCE_CHECKS
from lkctl.localserver.config import free_tcp_port
from tests.harness import SECRETS, invoke
from tests.source.projects import CLOUD, KEY, SECRET, found, judge, judge_all, put, sample, world_of

GOOD_ENV = f"LIVEKIT_URL={CLOUD}\nLIVEKIT_API_KEY={KEY}\nLIVEKIT_API_SECRET={SECRET}\n"
AGENT_ENV = GOOD_ENV + "OPENAI_API_KEY=sk-abcdefghijklmnop\nDEEPGRAM_API_KEY=0123456789abcdef\n"

HEALTHY: list[tuple[str, dict[str, str]]] = [
    ("healthy-agent", {}),
    ("healthy-agent", {"agent/.env.local": AGENT_ENV.replace(CLOUD, "ws://localhost:7880")}),
    ("healthy-next", {}),
    ("healthy-next", {".env.local": GOOD_ENV}),
    ("healthy-mono", {}),
    ("healthy-mono", {"api/.env": GOOD_ENV, "agent/.env": GOOD_ENV}),
]


@pytest.mark.parametrize(
    ("name", "more"), HEALTHY, ids=lambda it: it if isinstance(it, str) else "+".join(it) or "bare"
)
def test_healthy_project_gives_no_warning(name: str, more: Mapping[str, str], tmp_path: Path) -> None:
    """Every check passes, or has nothing to judge."""
    results = judge_all(world_of(put(sample(name, tmp_path), more)))
    assert {check: result.detail for check, result in results.items() if result.status not in _FINE} == {}
    assert len([result for result in results.values() if result.status is Status.passed]) > 4


_FINE = {Status.passed, Status.skip}

BROKEN = {
    "broken-agent": {
        "versions": [
            ("warn", "agent.py:6", "livekit.agents.pipeline is of livekit-agents 0.x"),
            ("warn", "requirements.txt:3", "the package jwt lies over PyJWT"),
            ("warn", "requirements.txt:1", "livekit>=1.2 beside livekit-agents: pip takes livekit-agents 1.3"),
        ],
        "agent": [
            ("warn", "agent.py:12", "livekit-agents has no agents.job_entrypoint"),
            ("warn", "agent.py:18", "json.loads(ctx.job.metadata) stops the job"),
            ("warn", "agent.py:21", "takes whichever comes first of remote_participants"),
            ("warn", "agent.py:19", "ctx.room.metadata is read before the agent is connected"),
        ],
        "agent-needs": [
            ("warn", "Dockerfile:5", "root downloads the model files into its own cache, where worker"),
            ("warn", "agent.py:23", "noise cancellation is of LiveKit Cloud"),
        ],
        "agent-mode": [("warn", "Dockerfile:8", "the agent is started with `dev`")],
    },
    "broken-next": {
        "versions": [("warn", "package.json:4", "livekit-client 2.9.7 connects to wss://host//rtc")],
        "token-endpoint": [
            ("security", "route.ts:4", "NEXT_PUBLIC_LIVEKIT_API_SECRET puts the secret into the page"),
            ("warn", "route.ts:8", "toJwt() gives a promise"),
            ("warn", "route.ts:7", "the grant roomName counts for nothing"),
        ],
        "states": [("warn", "Call.tsx:7", "nothing looks at the state")],
        "autoplay": [("warn", "Call.tsx:7", "nothing handles autoplay")],
        "errors": [("warn", "Call.tsx:7", "no error of connecting")],
        "reconnection": [("warn", "Call.tsx:7", "nothing tells the user")],
        "cleanup": [("warn", "Call.tsx:7", "nothing leaves the room")],
    },
    "broken-server": {
        "server-config": [
            ("warn", "livekit-staging.yaml:1", "port is a text, because of its quotes"),
            ("warn", "livekit-staging.yaml:3", "rtc.udp_prot is unknown"),
            ("warn", "livekit-staging.yaml:5", "keys holds `key:secret` without the blank"),
        ],
        "server-settings": [
            ("security", "livekit.yaml:11", "has 9 characters, fewer than 32"),
            ("warn", "livekit.yaml:13", "webhook.api_key is none of the keys"),
            ("warn", "livekit.yaml:7", "rtc.node_ip has no effect: use_external_ip is on"),
            ("warn", "livekit.yaml:18", "TURN tls cert required"),
        ],
        "compose": [
            ("security", "compose.yaml:4", "runs with --dev"),
            ("warn", "compose.yaml:6", "LIVEKIT_RTC_NODE_IP is a variable that livekit-server does not read"),
            ("warn", "livekit.yaml:9", "localhost is the container itself"),
            ("warn", "compose.yaml:7", "TCP 7881 is not published"),
            ("warn", "compose.yaml:9", "publishes TCP, and the server uses 50000-60000 for UDP"),
            ("warn", "compose.yaml:7", "turn.tls_port 5349 is not published"),
            ("info", "compose.yaml:9", "10001 ports are published one by one"),
        ],
    },
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_project_is_told_all_of_it(name: str, tmp_path: Path) -> None:
    """Everything that is wrong is named with file and line, and nothing else; no finding turns a run red."""
    results = judge_all(world_of(sample(name, tmp_path)))
    told = {check: found(result) for check, result in results.items() if result.status not in _FINE}
    assert told.keys() == BROKEN[name].keys()
    for check, expected in BROKEN[name].items():
        assert [it[:2] for it in told[check]] == [it[:2] for it in expected]
        for (_, _, message), (_, _, words) in zip(told[check], expected, strict=True):
            assert words in message
    assert not [result for result in results.values() if result.status is Status.fail]


def test_env_files_elsewhere_are_judged_as_those_here(tmp_path: Path) -> None:
    """The folder need not be the one that lkctl runs in; places lead there."""
    folder = put(tmp_path / "app", {".env": GOOD_ENV.replace(SECRET, f"' {SECRET} '"), "web/.env": GOOD_ENV})
    result = judge("env-files", world_of(folder))
    assert result.status is Status.warn
    assert all(finding.place.startswith(str(folder)) for finding in result.findings)
    assert SECRET not in repr(result)


def test_a_cloud_project_is_not_explained_by_local_files(tmp_path: Path) -> None:
    """A broken livekit.yaml here is no reason why LiveKit Cloud does not answer."""
    folder = sample("broken-server", tmp_path)
    for url, explained in ((CLOUD, False), ("ws://localhost:7880", True), ("", True)):
        results = judge_all(world_of(folder, url=url))
        explains = {finding.explains for check in _OF_SERVERS for finding in results[check].findings}
        assert any(explains) is explained, url


_OF_SERVERS = ("server-config", "server-settings", "compose")


def test_a_configuration_that_nobody_uses_explains_nothing(tmp_path: Path) -> None:
    """livekit-staging.yaml is no reason why the server does not run that compose starts with livekit.yaml."""
    folder = sample("broken-server", tmp_path)
    assert not any(finding.explains for finding in judge("server-config", world_of(folder)).findings)
    (folder / "livekit.yaml").unlink()
    (folder / "compose.yaml").unlink()
    assert all(finding.explains for finding in judge("server-config", world_of(folder)).findings)


ODD_PORTS = "[{}, [], '9-1:1', 1e9, '-', null, {target: x}, {target: 1, published: ''}]"
DEEP = "[" * 50_000
HOSTILE: list[tuple[str, dict[str, str | bytes]]] = [
    ("megabytes of YAML", {"livekit.yaml": "a: [" + "1," * 500_000 + "]", "compose.yaml": "x: y\n" * 300_000}),
    ("deep YAML", {"livekit.yaml": DEEP, "compose.yaml": DEEP}),
    ("deep block YAML", {"livekit.yaml": "".join(" " * n + "a:\n" for n in range(300))}),
    ("bomb", {"livekit.yaml": "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a,*a]\n" for n in range(2000))}),
    (
        "bomb of merges",
        {"compose.yaml": "services:\n" + "".join(
            f"  s{n}: &s{n}\n    <<: [{','.join([f'*s{n - 1}'] * 9) if n else '{a: b}'}]\n    image: livekit-server\n"
            for n in range(60)
        )},
    ),
    (
        "bomb of merges in a configuration",
        {"livekit.yaml": "rtc:\n  interfaces: &s0 {a: b}\n" + "".join(
            f"  ips{n}: &s{n}\n    <<: [{','.join([f'*s{n - 1}'] * 9)}]\n" for n in range(1, 40)
        ) + "  ips: *s39\n"},
    ),
    (
        "chain of merges",
        {name: f"{top}:\n  s0: &s0 {{a: b}}\n" + "".join(
            f"  s{n}: &s{n} {{<<: *s{n - 1}, image: livekit-server}}\n" for n in range(1, 3000)
        ) for name, top in (("compose.yaml", "services"), ("livekit.yaml", "keys"))},
    ),
    ("alias of itself", {"compose.yaml": "services: &s\n  livekit:\n    image: livekit-server\n    <<: *s\n"}),
    ("broken UTF-8", {"livekit.yaml": b"\xff\xfe\x00", "agent.py": b"import livekit\xff", "compose.yaml": b"\xc3("}),
    ("null bytes", {"agent.py": b"import livekit\0", "package.json": b"{\0}", "livekit.yaml": b"port: 1\0"}),
    ("deep Python", {"agent.py": "import livekit.agents\nx = " + "(" * 5000}),
    ("long chain in Python", {"agent.py": "import livekit.agents\nx = a" + ".b" * 20_000 + "\n"}),
    ("many calls", {"agent.py": "import livekit.agents\n" + "json.loads(ctx.job.metadata)\n" * 12_000}),
    ("deep JSON", {"package.json": DEEP, "package-lock.json": DEEP, "pyproject.toml": f"a = {DEEP}"}),
    ("endless comment", {"call.ts": "import 'livekit-client';" + "/*" * 200_000}),
    ("endless quotes", {"call.ts": "import 'livekit-client';" + "'\"`" * 100_000}),
    ("one long line", {"call.ts": "import 'livekit-client'; addGrant(" + "x.toJwt() " * 40_000}),
    ("blank lines", {"Dockerfile": "\n" * 400_000 + "RUN \\\n" * 10_000, "agent.py": "import livekit.agents.x"}),
    (
        "escape sequences",
        {"livekit.yaml": "\x1b[31mport: 1\n", "compose.yaml": "services: {'\\e[2J': {image: livekit-server}}"},
    ),
    ("lists for mappings", {"compose.yaml": "- a\n- b\n", "package.json": "[]", "livekit.yaml": "- 1\n"}),
    ("numbers for tables", {"pyproject.toml": "project = 3\ntool = 1\n", "package.json": '{"dependencies": 3}'}),
    ("services are none", {"compose.yaml": "services: [a, b]\n", "docker-compose.yml": "services:\n  a: b\n  c:\n"}),
    ("odd ports", {"compose.yaml": f"services: {{a: {{image: livekit-server, ports: {ODD_PORTS}}}}}"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "files"), HOSTILE, ids=lambda it: it if isinstance(it, str) else "")
def test_hostile_project_is_judged_in_time(name: str, files: Mapping[str, str | bytes], tmp_path: Path) -> None:
    """No crash, no check that never ends, nothing that a terminal would obey."""
    started = time.monotonic()
    results = judge_all(world_of(put(tmp_path / "p", files)))
    assert time.monotonic() - started < 15
    assert {check: r.detail for check, r in results.items() if r.status in {Status.crash, Status.unknown}} == {}


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither in circles nor out of the project."""
    outside = put(tmp_path / "outside", {"livekit.yaml": "foo: 1\n"})
    folder = put(tmp_path / "p", {"agent.py": "import livekit.agents\n"})
    (folder / "loop").symlink_to(folder)
    (folder / "livekit.yaml").symlink_to(outside / "livekit.yaml")
    os.mkfifo(folder / "compose.yaml")
    (folder / "package.json").symlink_to("package.json")
    results = judge_all(world_of(folder))
    assert results["server-config"].status is Status.skip
    assert not {check for check, result in results.items() if result.status in {Status.crash, Status.unknown}}


def test_an_empty_folder_has_nothing_to_judge(tmp_path: Path) -> None:
    """Every check says so."""
    results = judge_all(world_of(put(tmp_path / "p", {"README": "x"})))
    assert {result.status for result in results.values()} == {Status.skip}


def test_every_check_is_advice() -> None:
    """None can fail a run, and each says what it judges."""
    assert all(check.severity.value in {"warn", "info"} and check.scope == "source" for check in SOURCE_CHECKS)
    assert all(check.probe.__doc__ for check in SOURCE_CHECKS)


def test_a_file_is_the_cause_of_a_live_failure(tmp_path: Path) -> None:
    """Nothing listens: the configuration that cannot be loaded is named, with its line and its change."""
    from lkctl.checks.catalogue import ALL_CHECKS

    folder = put(tmp_path / "p", {"livekit.yaml": 'port: "7880"\n'})
    world = world_of(folder, url=f"ws://127.0.0.1:{free_tcp_port()}")
    checks = [check for check in ALL_CHECKS if check.id in {"url.form", "net.dns", "net.tcp", "source.server-config"}]
    report = Report("diagnose", "", datetime.now(UTC), 0, tuple(run(checks, world, timeout=30)))
    cause = report.probable_cause
    assert cause is not None
    assert (cause.check, cause.fix is not None) == ("source.server-config", True)
    assert "livekit.yaml:1: port is a text" in cause.message
    assert any("net.tcp" in line or "refused" in line for line in cause.evidence)


@pytest.mark.parametrize("form", ["json", "table", "tsv"])
def test_command(form: str, tmp_path: Path) -> None:
    """All of it is advice: the exit code is 0; no secret of the project is shown, and no escape sequence obeyed."""
    SECRETS.add(SECRET)
    files = {".env": GOOD_ENV, "conf/livekit.yaml": f"keys:\n  {KEY}:{SECRET}\n  '\\e[2J': 1\n"}
    folder = put(sample("broken-next", tmp_path), files)
    done = invoke("diagnose", "--source", str(folder), "--only", "source.*", "-o", form)
    assert done.code == 0, done.err
    assert "NEXT_PUBLIC_LIVEKIT_API_SECRET" in done.out
    assert SECRET not in done.out + done.err
    assert "\x1b" not in done.out
