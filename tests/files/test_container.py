"""Where lkctl runs, told from a made-up file system."""

from pathlib import Path

import pytest

from lkctl.files.container import in_container, listening_ports

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1EC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 0100007F:0050 0100007F:8F2C 01 00000000:00000000 00:00000000 00000000     0
"""
TCP6 = "header\n   0: 00000000000000000000000001000000:1F90 00:0000 0A 0 0\n"


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        pytest.param({}, {}, False, id="nothing"),
        pytest.param({".dockerenv": ""}, {}, True, id="Docker"),
        pytest.param({"run/.containerenv": ""}, {}, True, id="Podman"),
        pytest.param({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True, id="Kubernetes"),
        pytest.param({}, {"container": "podman"}, True, id="variable"),
        pytest.param({"proc/self/cgroup": "5:cpu:/kubepods/pod1\n"}, {}, True, id="control group"),
        pytest.param({"proc/self/cgroup": "0::/user.slice/user-1000.slice\n"}, {}, False, id="control group of a user"),
    ],
)
def test_in_container(files: dict[str, str], environ: dict[str, str], expected: bool, tmp_path: Path) -> None:
    """Mark files, variables, control groups."""
    _put(tmp_path, files)
    assert in_container(environ, tmp_path) is expected


def test_listening_ports(tmp_path: Path) -> None:
    """Listeners of both families; connections are none."""
    _put(tmp_path, {"proc/net/tcp": TCP, "proc/net/tcp6": TCP6})
    assert listening_ports(tmp_path) == frozenset({7880, 8080})


def test_a_port_that_is_found_soon(tmp_path: Path) -> None:
    """The rest is not read; where it is not found, all of it is."""
    _put(tmp_path, {"proc/net/tcp": TCP, "proc/net/tcp6": TCP6})
    assert listening_ports(tmp_path, until=7880) == frozenset({7880})
    assert listening_ports(tmp_path, until=8080) == listening_ports(tmp_path, until=1) == frozenset({7880, 8080})


def test_ports_that_cannot_be_told(tmp_path: Path) -> None:
    """Without /proc nothing is known; without IPv6 the rest is."""
    assert listening_ports(tmp_path) is None
    _put(tmp_path, {"proc/net/tcp": TCP})
    assert listening_ports(tmp_path) == frozenset({7880})


def _put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
