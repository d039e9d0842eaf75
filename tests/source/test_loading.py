"""What loads: our verdict, offline, and that of a real livekit-server, on the same table."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from lkctl.checks.source.serverfile import faults_of
from lkctl.checks.source.serverkeys import structs, walk
from tests.source.configs import LOADING, REFUSED, Case

ALL = [*LOADING, *REFUSED]
UNDERSTOOD = b"TCP Ports"  # livekit-server ends with 0 whether it understood or not


def ports(program: Path, *arguments: str, **environ: str) -> bytes:
    """Let livekit-server print the ports of a configuration: what it says tells whether it loads."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environ}
    command = [str(program), *arguments, "ports"]
    return subprocess.run(command, capture_output=True, timeout=60, check=True, env=environment).stdout


@pytest.mark.parametrize("case", LOADING, ids=lambda case: case.name)
def test_loads(case: Case) -> None:
    """No fault is found where there is none."""
    assert faults_of(case.body)[1] == []


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused(case: Case) -> None:
    """The first fault names the line and the key."""
    fault = faults_of(case.body)[1][0]
    assert (fault.line, case.said in fault.message) == (case.line, True), fault


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_verdict_needs_no_libyaml(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML may be installed without it, and its own scanner says the same."""
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert bool(faults_of(case.body)[1]) is (case.line > 0)


@pytest.mark.live
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_server_says_the_same(case: Case, livekit_server_program: Path, tmp_path: Path) -> None:
    """The real server reads the file, and agrees; where it names a line, it is ours."""
    (tmp_path / "livekit.yaml").write_bytes(case.body)
    said = ports(livekit_server_program, "--config", str(tmp_path / "livekit.yaml"))
    assert (UNDERSTOOD in said) is (case.line == 0), said
    lines = [int(line) for line in re.findall(rb"\n  line (\d+): ", said)]
    assert not lines or case.line in lines, said


@pytest.mark.live
@pytest.mark.parametrize("case", [case for case in ALL if b"\0" not in case.body], ids=lambda case: case.name)
def test_body_in_the_environment_is_read_alike(case: Case, livekit_server_program: Path) -> None:
    """LIVEKIT_CONFIG holds the same text."""
    said = ports(livekit_server_program, LIVEKIT_CONFIG=os.fsdecode(case.body))
    assert (UNDERSTOOD in said) is (case.line == 0), said


@pytest.mark.live
def test_keys_are_those_of_the_server(livekit_server_program: Path) -> None:
    """Every key that the server offers as a flag is known to us, and of the same type."""
    said = subprocess.run(
        [str(livekit_server_program), "help-verbose"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    flags = dict(re.findall(r"^ +--([a-z_0-9.]+)(?: (\w+))? +generated", said, re.MULTILINE))
    kinds = {"duration": "int", "uint8": "uint", "uint16": "uint", "uint32": "uint", "uint64": "uint", "bool": ""}
    ours = {
        path: kinds.get(kind, kind.removesuffix("32").removesuffix("64"))
        for path, kind in walk()
        if kind not in structs()
    }
    ports_and_addresses = {"rtc.udp_port": ("start", "end"), "rtc.node_ip": ("ipv4", "ipv6")}
    known = set(ours) | {f"{path}.{part}" for path, parts in ports_and_addresses.items() for part in parts}
    named = {"port", "region", "key-file", "turn.cert_file", "turn.key_file", "redis.address"}
    assert len(flags) > 200
    assert not set(flags) - known - named
    assert not {path for path, kind in flags.items() if path in ours and ours[path] != kind}


def test_secrets_are_not_named() -> None:
    """A secret that slipped into the place of a key, or lost its blank, is in no message."""
    secret = "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"
    for text in (
        f"{secret}: x\n",
        f"keys:\n  a:{secret}\n",
        f"keys:\n  {secret}: a\n  {secret}: b\n",
        f"port: {secret}\n",
    ):
        (fault, *_) = faults_of(text.encode())[1]
        assert secret not in repr(fault)
