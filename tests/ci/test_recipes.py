"""The recipes for CI and monitoring in the README: each is run as its reader would run it, against a real server."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from lkctl.localserver.process import LocalServer
from tests.ci.githubrunner import Machine, evaluated
from tests.harness import PRINTED, SECRETS
from tests.reports.readers import junit_skeleton, nagios_skeleton

pytestmark = pytest.mark.live

EXAMPLES = Path(__file__).parents[1] / "examples"
WRONG = "wrongSecret0wrongSecret1wrongSecret2wrong3"
HERE = Path(sys.executable).parent  # where lkctl is, of the environment that runs the tests


def recipe(name: str) -> Any:
    """Read one."""
    return yaml.safe_load((EXAMPLES / name).read_text().replace("--wait 60s", "--wait 1s"))


def run(*words: str, env: Mapping[str, str], path: Path = HERE, cwd: Path | None = None) -> tuple[int, str]:
    """Run a program in an environment that holds nothing else; give its exit code, and what it said."""
    done = subprocess.run(
        words, cwd=cwd, env={"PATH": f"{path}:/usr/bin:/bin", **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    PRINTED.append((" ".join(words), done.stdout))
    return done.returncode, done.stdout


def settings(server: LocalServer, secret: str) -> dict[str, str]:
    """Give the variables that a place for secrets holds."""
    given = secret or server.secret.reveal()
    SECRETS.update({given, server.secret.reveal()})
    return {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": server.key, "LIVEKIT_API_SECRET": given}


@pytest.mark.parametrize(("secret", "code"), [("", 0), (WRONG, 1)], ids=["healthy", "wrong secret"])
def test_github(
    machine: Machine, installed: dict[str, str], livekit_server: LocalServer, secret: str, code: int
) -> None:
    """The step gives the action what it takes, and later steps take from it what it gives."""
    names = settings(livekit_server, secret)
    (job,) = recipe("github.yaml")["jobs"].values()
    first, upload, tell = job["steps"]
    contexts = {"vars": names, "secrets": names}
    assert first["uses"].startswith("your-org/lkctl@v")
    done = machine.run(
        {name: evaluated(value, contexts) for name, value in first["with"].items()}, done={"install": installed}
    )
    assert (done.code, done.outputs["verdict"]) == (code, "fail" if code else "pass"), done.log
    after = {"steps": {first["id"]: {"outputs": done.outputs}}}
    assert (Path(evaluated(upload["with"]["path"], after)) / "junit.xml").exists()
    assert "${{" not in tell["run"]
    cause = {name: evaluated(value, after) for name, value in tell["env"].items()}
    said = run("bash", "-e", "-o", "pipefail", "-c", tell["run"], env=cause)[1]
    assert said.startswith("for a pager or a chat: ")
    assert ("LIVEKIT_API_SECRET is not its secret" in said) == bool(code)


def test_gitlab(checkout: Path, wheels: dict[str, str], livekit_server: LocalServer, tmp_path: Path) -> None:
    """The job's own script in a fresh Python: pip installs, and the artifacts are what the job says; red stays red."""
    subprocess.run([Path(sys.base_prefix, "bin/python3"), "-m", "venv", tmp_path / "python"], check=True)
    job = recipe("gitlab.yaml")["livekit"]
    script = "\n".join(job["script"])
    files = [job["artifacts"]["reports"]["junit"], *job["artifacts"]["paths"]]
    for secret, code in (("", 0), (WRONG, 1)):
        env = {**wheels, **job["variables"], **settings(livekit_server, secret), "LKCTL": str(checkout)}
        ended, said = run("bash", "-e", "-o", "pipefail", "-c", script, env=env, path=tmp_path / "python/bin")
        assert (ended, [name for name in files if not Path(name).exists()]) == (code, []), said
        assert junit_skeleton(Path(files[0]).read_text())
        for name in files:
            Path(name).unlink()


def test_cronjob(livekit_server: LocalServer, tmp_path: Path) -> None:
    """It takes its settings from the Secret, writes no file, runs once, and is given the time that lkctl takes."""
    manifest = recipe("cronjob.yaml")
    assert (manifest["apiVersion"], manifest["kind"]) == ("batch/v1", "CronJob")
    job = manifest["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    words = container["command"]
    assert (manifest["spec"]["concurrencyPolicy"], job["backoffLimit"], pod["restartPolicy"]) == ("Forbid", 0, "Never")
    assert job["activeDeadlineSeconds"] > int(words[words.index("--timeout") + 1].removesuffix("s"))
    assert container["securityContext"]["readOnlyRootFilesystem"]
    (tmp_path / "root").mkdir(mode=0o555)
    for secret, code in (("", 0), (WRONG, 1)):
        kept = settings(livekit_server, secret)
        held = {"api-key": kept["LIVEKIT_API_KEY"], "api-secret": kept["LIVEKIT_API_SECRET"]}
        env = {one["name"]: _value(one, held) for one in container["env"]} | {"LIVEKIT_URL": livekit_server.url}
        ended, said = run(*words, env={"HOME": "/nonexistent", **env}, cwd=tmp_path / "root")
        assert ended == code, said
        assert said.splitlines()[-1].startswith("Probable cause: " if code else "PASS ")  # what `describe pod` shows
    assert not os.listdir(tmp_path / "root")  # noqa: PTH208


def _value(one: Mapping[str, Any], held: Mapping[str, str]) -> str:
    return held[one["valueFrom"]["secretKeyRef"]["key"]] if "valueFrom" in one else str(one["value"])


@pytest.mark.parametrize(("secret", "failed"), [("", 0), (WRONG, 1)], ids=["healthy", "wrong secret"])
def test_monitoring(livekit_server: LocalServer, tmp_path: Path, secret: str, failed: int) -> None:
    """Metrics that Prometheus reads, and a plugin of Nagios."""
    text = (EXAMPLES / "monitoring.sh").read_text()
    metrics, plugin = text.replace("/var/lib/node_exporter/textfile_collector", str(tmp_path)).splitlines()
    env = settings(livekit_server, secret)
    assert run("sh", "-c", metrics, env=env)[0] == failed
    families = {one.name: one for one in text_string_to_metric_families((tmp_path / "lkctl.prom").read_text())}
    assert [sample.value for sample in families["lkctl_run_failed"].samples] == [failed]
    assert {sample.labels["command"] for sample in families["lkctl_run_failed"].samples} == {"smoke"}
    ended, line = run("sh", "-c", plugin, env=env)
    assert (ended, nagios_skeleton(line)[0]) == ((2, "CRITICAL") if failed else (0, "OK"))
