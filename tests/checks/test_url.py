"""The checks of the server's URL: by its text, and by where lkctl runs."""

from pathlib import Path

import pytest

from lkctl.checks.cause import probable_cause
from lkctl.checks.envedit import fix_of, gives, write
from lkctl.checks.result import Check, NotApplicable, Status
from lkctl.checks.url import URL_CHECKS
from lkctl.checks.world import World
from lkctl.files.envfile import read_env_text
from tests.checks.worlds import CLOUD, SECRET, Expected, assert_found, env_text, judge, world_of

HEALTHY = [
    "wss://demo-1a2b3c4d.livekit.cloud",
    "wss://demo.staging.livekit.cloud",
    "https://demo.eu.production.livekit.cloud",
    "wss://demo-1a2b3c4d.livekit.cloud:443",
    "ws://localhost:7880",
    "ws://127.0.0.1:7880",
    "ws://192.168.1.5:7880",
    "http://[::1]:7880",
    "wss://lk.acme.dev",
    "wss://lk.acme.dev:8443",
    "ws://lk.local:7880",
    "wss://münchen.acme.dev",
]


@pytest.mark.parametrize("check", URL_CHECKS, ids=lambda check: check.id)
@pytest.mark.parametrize("url", HEALTHY)
def test_healthy_url_passes(check: Check[World], url: str) -> None:
    """No warning, no failure."""
    result = judge(check.id, world_of({".env": env_text(url)}))
    assert (result.status, result.findings) == (Status.passed, ())


@pytest.mark.parametrize("check", URL_CHECKS, ids=lambda check: check.id)
def test_without_url_nothing_is_judged(check: Check[World]) -> None:
    """A missing URL is env.settings' business; the rest of the set is judged without it."""
    result = judge(check.id, world_of({".env": env_text(None)}))
    assert (result.status, result.detail) == (Status.skip, "LIVEKIT_URL is not set, see env.settings")


def test_server_url_is_for_all_checks() -> None:
    """A check that needs the URL asks the world for it."""
    with pytest.raises(NotApplicable):
        world_of({}).server_url()
    assert str(world_of({".env": env_text()}).server_url()) == CLOUD


@pytest.mark.parametrize(
    ("url", "words", "hint"),
    [
        pytest.param("demo.livekit.cloud", "has no scheme (.env:1)", "Write wss://demo.livekit.cloud", id="no scheme"),
        pytest.param("ftp://a.b", "has the scheme ftp", "Use ws, wss, http or https", id="scheme"),
        pytest.param("wss://", "has no host", "Write it like", id="no host"),
        pytest.param("ws://a:99999", "has the port 99999", "1 to 65535", id="port"),
        pytest.param("ws://a?b=c", "holds a query", "scheme, host and port", id="query"),
        pytest.param("wss://me:hunter2@a.b", "a user name or password", "settings of their own", id="login"),
        pytest.param(SECRET, "looks like an API secret", "under its own name", id="secret"),
        pytest.param("wss://<project>.livekit.cloud", "is a placeholder", "settings", id="placeholder"),
        pytest.param("wss://your-project.livekit.cloud", "is a placeholder", "settings", id="placeholder that parses"),
    ],
)
def test_form(url: str, words: str, hint: str) -> None:
    """A URL that cannot work says so with the correction."""
    result = judge("url.form", world_of({".env": env_text(url)}))
    assert (result.status, result.code) == (Status.fail, "url-invalid")
    assert words in result.detail
    assert hint in (result.hint or "")
    assert "hunter2" not in result.detail


def test_form_is_judged_in_a_partial_set() -> None:
    """Without key and secret the URL is judged all the same."""
    assert judge("url.form", world_of({".env": env_text(key=None, secret=None)})).status is Status.passed


CLOUD_TABLE = [
    pytest.param(
        "https://cloud.livekit.io/projects/p_abc/overview", [("fail", ".env:1", "a web site")], id="dashboard"
    ),
    pytest.param("https://docs.livekit.io", [("fail", ".env:1", "a web site")], id="documents"),
    pytest.param("wss://demo.sip.livekit.cloud", [("fail", ".env:1", "SIP or TURN")], id="SIP"),
    pytest.param("wss://livekit.cloud", [("warn", ".env:1", "not the host of a Cloud project")], id="no project"),
    pytest.param("wss://a.b.livekit.cloud", [("warn", ".env:1", "not the host of a Cloud project")], id="odd host"),
    pytest.param("wss://demo.livekit.cloud:7880", [("warn", ".env:1", "listens on 443 only")], id="port"),
    pytest.param("wss://demo.livekit.clod", [("warn", ".env:1", "misspelt")], id="misspelt"),
    pytest.param("wss://demo.livekit.cloud.com", [("warn", ".env:1", "misspelt")], id="too long"),
]


@pytest.mark.parametrize(("url", "expected"), CLOUD_TABLE)
def test_cloud(url: str, expected: Expected) -> None:
    """Hosts of Cloud that are none of a project."""
    assert_found(judge("url.cloud", world_of({".env": env_text(url)})), expected)


@pytest.mark.parametrize("url", ["wss://media.mylivekit.com", "wss://livekit.acme.dev", "wss://livekit.acme.cloud"])
def test_cloud_near_miss(url: str) -> None:
    """A host of one's own may have the name in it."""
    assert judge("url.cloud", world_of({".env": env_text(url)})).findings == ()


SCHEMES = [
    pytest.param(
        "ws://lk.acme.dev:7880", "warn", "not encrypted", "Write wss://lk.acme.dev:7880", id="ws to the internet"
    ),
    pytest.param("http://8.8.8.8", "warn", "not encrypted", "Write https://8.8.8.8", id="http to an address"),
    pytest.param(
        "ws://demo.livekit.cloud", "warn", "not encrypted", "Write wss://demo.livekit.cloud", id="ws to Cloud"
    ),
    pytest.param(
        "wss://localhost:7880", "info", "expect a TLS error", "write ws://localhost:7880", id="wss to localhost"
    ),
    pytest.param(
        "https://192.168.1.5", "info", "expect a TLS error", "write http://192.168.1.5", id="https to an address"
    ),
]


@pytest.mark.parametrize(("url", "severity", "words", "hint"), SCHEMES)
def test_scheme(url: str, severity: str, words: str, hint: str) -> None:
    """Plain to the internet; TLS to what seldom has a certificate, which net.tls judges: with the other URL."""
    result = judge("url.scheme", world_of({".env": env_text(url)}))
    assert_found(result, [(severity, ".env:1", words)])
    assert hint in (result.hint or "")


PATHS = [
    pytest.param("wss://lk.acme.dev/rtc", "warn", "an endpoint", id="endpoint"),
    pytest.param("wss://lk.acme.dev/twirp/x", "warn", "an endpoint", id="Twirp"),
    pytest.param("wss://lk.acme.dev/livekit", "info", "right if a proxy shows LiveKit there", id="prefix"),
    pytest.param(
        "wss://lk.acme.dev/rtcs", "info", "right if a proxy shows LiveKit there", id="prefix like an endpoint"
    ),
    pytest.param("wss://lk.acme.dev/", "warn", "ends in a slash", id="slash"),
]


@pytest.mark.parametrize(("url", "severity", "words"), PATHS)
def test_path(url: str, severity: str, words: str) -> None:
    """What follows the host is seldom meant; whether a prefix is right, http.livekit tells."""
    result = judge("url.path", world_of({".env": env_text(url)}))
    assert_found(result, [(severity, ".env:1", words)])
    assert "wss://lk.acme.dev" in (result.hint or "")


FIXES = [
    pytest.param("url.path", "LIVEKIT_URL=wss://lk.acme.dev/", "LIVEKIT_URL=wss://lk.acme.dev", id="slash"),
    pytest.param(
        "url.path", "export LIVEKIT_URL='wss://a.b/rtc' # x", "export LIVEKIT_URL='wss://a.b' # x", id="around"
    ),
    pytest.param("url.scheme", "LIVEKIT_URL=ws://x.livekit.cloud", "LIVEKIT_URL=wss://x.livekit.cloud", id="Cloud"),
    pytest.param("url.cloud", "LIVEKIT_URL=wss://x.livekit.cloud:7880", "LIVEKIT_URL=wss://x.livekit.cloud", id="port"),
    pytest.param("url.container", "LIVEKIT_URL=ws://0.0.0.0:7880", "LIVEKIT_URL=ws://localhost:7880", id="address"),
]


@pytest.mark.parametrize(("check", "line", "mended"), FIXES)
def test_fix(check: str, line: str, mended: str) -> None:
    """The line of the env file as it stands, and as it should be."""
    (finding,) = judge(check, world_of({".env": f"# mine\n{line}\n{env_text(None)}"})).findings
    fix = finding.fix
    assert fix is not None
    assert (fix.path, fix.line, fix.old, fix.new) == (".env", 2, line, mended)


MALFORMED = [
    pytest.param("LIVEKIT_URL=localhost:7880", "LIVEKIT_URL=ws://localhost:7880", "Write ws://localhost:7880",
                 id="no scheme"),
    pytest.param("LIVEKIT_URL=lk.acme.dev # x", "LIVEKIT_URL=wss://lk.acme.dev # x", "Write wss://lk.acme.dev",
                 id="no scheme, a public host"),
    pytest.param("LIVEKIT_URL='wss//lk.acme.dev/'", "LIVEKIT_URL='wss://lk.acme.dev'", "", id="no colon"),
    pytest.param("LIVEKIT_URL=https:/lk.acme.dev", "LIVEKIT_URL=https://lk.acme.dev", "Write https://lk.acme.dev",
                 id="one slash"),
    pytest.param("export LIVEKIT_URL='wss://lk.acme.dev?a=1#b'", "export LIVEKIT_URL='wss://lk.acme.dev'",
                 "scheme, host and port only, such as wss://livekit.example.com: wss://lk.acme.dev", id="a query"),
    pytest.param("LIVEKIT_URL=ftp://lk.acme.dev", None, "Use ws, wss", id="another scheme"),
    pytest.param("LIVEKIT_URL=ws://lk.acme.dev:99999", None, "A port is", id="no port"),
    pytest.param("LIVEKIT_URL=ws://", None, "", id="no host"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "mended", "hint"), MALFORMED)
def test_fix_of_what_is_no_url(line: str, mended: str | None, hint: str) -> None:
    """Where there is one URL that can be meant, the change to it is known."""
    result = judge("url.form", world_of({".env": f"# mine\n{line}\n{env_text(None)}"}))
    (finding,) = result.findings
    assert (result.status.value, hint in finding.hint) == ("fail", True), finding.hint
    assert (finding.fix.new if finding.fix else None) == mended


SAME = [
    pytest.param("LIVEKIT_URL=LIVEKIT_URL=wss://lk.acme.dev", "env.spelling", id="its own name"),
    pytest.param("LIVEKIT_URL=\u201cwss://lk.acme.dev\u201d", "env.spelling", id="quotes of a page"),
    pytest.param("LIVEKIT_URL=wss://your-project.livekit.cloud", "env.spelling", id="a placeholder"),
    pytest.param("LIVEKIT_URL = lk.acme.dev", "url.form", id="blanks that are no matter"),
    pytest.param("LIVEKIT_URL=lk.acme.dev\r", "url.form", id="a line end that is no matter"),
]


@pytest.mark.parametrize(("line", "check"), SAME)
def test_one_cause_for_one_url(line: str, check: str) -> None:
    """What is said of its spelling explains that it is none; what is wrong with nothing but the line does not."""
    world = world_of({".env": f"{line}\n{env_text(None)}"})
    results = [judge("env.spelling", world), judge("url.form", world)]
    cause = probable_cause(results, [one for one in results if one.status is Status.fail])
    assert cause is not None
    assert (cause.check, cause.others) == (check, ())
    assert "placeholder" in cause.message or cause.fix is not None


def test_a_login_is_taken_away_unseen() -> None:
    """The login may be a secret: a command writes the rest."""
    (finding,) = judge("url.form", world_of({".env": env_text("ws://me:hunter2@lk.acme.dev:7880")})).findings
    fix = finding.fix
    assert fix is not None
    assert (fix.old, fix.new) == ("LIVEKIT_URL=ws://…@lk.acme.dev:7880", "LIVEKIT_URL=ws://lk.acme.dev:7880")
    assert '"ws://lk.acme.dev:7880"' in fix.command
    assert "hunter2" not in repr(finding)


@pytest.mark.parametrize("name", ["a|", "> b", "c\td", "e\nf"])
def test_no_command_for_a_file_that_perl_would_take_for_something_else(name: str) -> None:
    """`perl -pi FILE` runs a file whose name ends in |."""
    file = read_env_text("LIVEKIT_URL=ws://me:pw@h\n", Path(name), name)
    fix = fix_of(file, [write(file, 1, "ws://h")])
    assert (fix.command, fix.old) == ("", "LIVEKIT_URL=ws://…@h")
    assert fix_of(file._replace(path=Path(".env")), [write(file, 1, "ws://h")]).command.endswith(" .env")
    assert not fix_of(file._replace(path=Path(".env")), [write(file, 1, "ws://h/$(x)")]).command


def test_no_change_to_a_file_that_takes_long_to_read() -> None:
    """What comes of a change is read again, and python-dotenv needs minutes for megabytes."""
    text = "LIVEKIT_URL=lk.acme.dev\n#"
    for length, known in ((1000, True), (70_000, False)):
        file = read_env_text(f"{text}{'x' * length}\n", Path(".env"), ".env")
        assert gives(file, [write(file, 1, "wss://lk.acme.dev")], {"LIVEKIT_URL": "wss://lk.acme.dev"}) is known


def test_fix_of_the_environment() -> None:
    """Of a variable the command that sets it; of a flag nothing that could be written anywhere."""
    url = "wss://lk.acme.dev/"
    (finding,) = judge("url.path", world_of({}, {"LIVEKIT_URL": url})).findings
    assert finding.fix is not None
    assert finding.fix.command == "export LIVEKIT_URL=wss://lk.acme.dev"
    (finding,) = judge("url.path", world_of({}, flags=(url, None, None))).findings
    assert finding.fix is None


CONTAINER = [
    pytest.param(
        "ws://localhost:7880", True, frozenset[int](), [("warn", ".env:1", "nothing listens on 7880")], id="loopback"
    ),
    pytest.param(
        "ws://0.0.0.0:7880", True, frozenset({80}), [("warn", ".env:1", "the container itself")], id="any address"
    ),
    pytest.param("ws://localhost:7880", True, None, [("warn", ".env:1", "cannot be told apart")], id="ports unknown"),
    pytest.param("ws://localhost:7880", True, frozenset({7880}), [], id="a server inside"),
    pytest.param("ws://livekit:7880", True, frozenset[int](), [], id="service inside"),
    pytest.param("ws://host.docker.internal:7880", True, frozenset[int](), [], id="the host from inside"),
    pytest.param(
        "ws://host.docker.internal:7880", False, None, [("warn", ".env:1", "Docker Desktop")], id="the host outside"
    ),
    pytest.param("ws://livekit:7880", False, None, [("warn", ".env:1", "compose service")], id="service outside"),
    pytest.param("ws://0.0.0.0:7880", False, None, [("warn", ".env:1", "to listen on")], id="any address outside"),
    pytest.param("ws://localhost:7880", False, frozenset[int](), [], id="loopback outside"),
    pytest.param("wss://lk.acme.dev", True, frozenset[int](), [], id="the internet"),
]


@pytest.mark.parametrize(("url", "inside", "listening", "expected"), CONTAINER)
def test_container(url: str, inside: bool, listening: frozenset[int] | None, expected: Expected) -> None:
    """Names that mean something else inside a container than outside."""
    world = world_of({".env": env_text(url)}, in_container=inside, listening=listening)
    assert_found(judge("url.container", world), expected)


def test_needs() -> None:
    """A URL that cannot be read is judged no further, nor is a web site's."""
    assert {check.id: check.needs for check in URL_CHECKS} == {
        "url.form": (),
        "url.cloud": ("url.form",),
        "url.scheme": ("url.cloud",),
        "url.path": ("url.cloud",),
        "url.container": ("url.cloud",),
    }
