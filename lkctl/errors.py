"""The one error family, its catalogue, and the exit codes."""

from enum import IntEnum
from typing import NamedTuple


class ExitCode(IntEnum):
    """What the process ends with; scripts may rely on it (`lkctl help exit-codes`)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    AUTH = 4
    UNREACHABLE = 5
    EXPIRED = 6
    SERVER = 7
    BUG = 70
    INTERRUPTED = 130
    PIPE = 141
    TERMINATED = 143


EXIT_MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: 'done; also "no rooms"',
    ExitCode.FAILED: "it ran and the answer is bad: a check failed, the token is invalid, an expectation did not hold",
    ExitCode.USAGE: "wrong flags, missing or contradictory settings, malformed input, confirmation impossible",
    ExitCode.NOT_FOUND: "room, participant, track, dispatch, project or server program not found",
    ExitCode.AUTH: "credentials refused, or the grant is too narrow",
    ExitCode.UNREACHABLE: "DNS, refused, TLS, timeout of a connection, 502/503/504, not LiveKit",
    ExitCode.EXPIRED: "a wait ran out",
    ExitCode.SERVER: "the server answered with an error, or does not support the call",
    ExitCode.BUG: "a defect of lkctl; the message says how to report it",
    ExitCode.INTERRUPTED: "^C, after cleaning up what lkctl made; or a question answered with no",
    ExitCode.PIPE: "stdout was closed by the reader; quiet",
    ExitCode.TERMINATED: "SIGTERM, after the same cleaning up as ^C",
}


class ErrorKind(NamedTuple):
    """One entry of the catalogue: what a code means and which exit code it ends with."""

    exit_code: ExitCode
    meaning: str


_USAGE, _NOT_FOUND, _AUTH = ExitCode.USAGE, ExitCode.NOT_FOUND, ExitCode.AUTH
_UNREACHABLE, _SERVER, _FAILED = ExitCode.UNREACHABLE, ExitCode.SERVER, ExitCode.FAILED

CATALOGUE: dict[str, ErrorKind] = {
    "usage": ErrorKind(_USAGE, "the command line does not fit the command"),
    "option-empty": ErrorKind(
        _USAGE, "an option or argument was given an empty value, as an unset shell variable does"
    ),
    "settings-missing": ErrorKind(_USAGE, "no URL, key or secret was found"),
    "settings-partial": ErrorKind(_USAGE, "a set of settings is incomplete or holds an empty value"),
    "settings-conflict": ErrorKind(_USAGE, "two ways to name the server exclude each other"),
    "url-invalid": ErrorKind(_USAGE, "the server URL cannot be used as it is written"),
    "file-unreadable": ErrorKind(_USAGE, "a file cannot be read"),
    "file-unwritable": ErrorKind(_USAGE, "a file cannot be written"),
    "file-exists": ErrorKind(_USAGE, "a file is there already and was not overwritten"),
    "input-empty": ErrorKind(_USAGE, "the input is empty"),
    "input-encoding": ErrorKind(_USAGE, "the input is not UTF-8"),
    "input-too-large": ErrorKind(_USAGE, "the input is larger than lkctl reads"),
    "input-malformed": ErrorKind(_USAGE, "the input is not of the expected form"),
    "L01": ErrorKind(_USAGE, "the input is not a JWT"),
    "confirm-impossible": ErrorKind(_USAGE, "a confirmation is needed and there is no terminal to ask on"),
    "token-refused": ErrorKind(_USAGE, "the token that was asked for would not work"),
    "extra-missing": ErrorKind(_USAGE, "the option needs a package that is not installed"),
    "port-taken": ErrorKind(_USAGE, "the port cannot be listened on"),
    "room-missing": ErrorKind(_NOT_FOUND, "the room does not exist"),
    "participant-missing": ErrorKind(_NOT_FOUND, "nobody of that identity is in the room"),
    "track-missing": ErrorKind(_NOT_FOUND, "the participant publishes no such track"),
    "dispatch-missing": ErrorKind(_NOT_FOUND, "the room has no such dispatch"),
    "project-missing": ErrorKind(_NOT_FOUND, "lk's project file has no such project"),
    "livekit-server-missing": ErrorKind(_NOT_FOUND, "no livekit-server program was found"),
    "compiler-missing": ErrorKind(_NOT_FOUND, "no Go compiler was found to build livekit-server with"),
    "auth-key": ErrorKind(_AUTH, "the server does not know the API key"),
    "auth-secret": ErrorKind(_AUTH, "the server knows the API key, but the secret does not belong to it"),
    "auth-secret-blank": ErrorKind(_AUTH, "the key or secret has blanks around it; without them the server accepts it"),
    "auth-secret-quoted": ErrorKind(
        _AUTH, "the key or secret has quotes around it; without them the server accepts it"
    ),
    "auth-spelling": ErrorKind(
        _AUTH, "the key or secret was changed on its way: encoded, cut, commented; undone, the server accepts it"
    ),
    "auth-other-pair": ErrorKind(_AUTH, "the server accepts another pair that lies here, not the one in force"),
    "auth-swapped": ErrorKind(_AUTH, "key and secret are swapped; the other way round the server accepts them"),
    "auth-default-pair": ErrorKind(_AUTH, "the server runs with devkey/secret, not with the pair configured here"),
    "auth-clock": ErrorKind(_AUTH, "this machine's clock and the server's are more than a minute apart"),
    "auth-grant": ErrorKind(_AUTH, "the credentials are good, but the grant is too narrow for the call"),
    "auth-refused": ErrorKind(_AUTH, "the server refused the credentials for another reason"),
    "net-dns": ErrorKind(_UNREACHABLE, "the host name does not resolve"),
    "net-refused": ErrorKind(_UNREACHABLE, "nothing listens on that port"),
    "net-timeout": ErrorKind(_UNREACHABLE, "no answer within the time limit"),
    "net-failed": ErrorKind(_UNREACHABLE, "the connection failed or broke off"),
    "tls-plain-port": ErrorKind(_UNREACHABLE, "https was spoken to a port that speaks plain http"),
    "tls-needed": ErrorKind(_UNREACHABLE, "http was spoken to a port that wants TLS"),
    "tls-certificate": ErrorKind(_UNREACHABLE, "the certificate is not valid for this host, or not trusted here"),
    "tls-failed": ErrorKind(_UNREACHABLE, "the TLS handshake failed"),
    "http-malformed": ErrorKind(_UNREACHABLE, "the answer is not HTTP, or is cut short"),
    "http-redirect": ErrorKind(_UNREACHABLE, "the server redirects the call elsewhere"),
    "http-gateway": ErrorKind(_UNREACHABLE, "a proxy answered 502, 503 or 504: LiveKit behind it does not answer"),
    "not-livekit": ErrorKind(_UNREACHABLE, "something answers there, but it is not LiveKit's API"),
    "wait-expired": ErrorKind(ExitCode.EXPIRED, "what was waited for did not come in time"),
    "server-error": ErrorKind(_SERVER, "the server answered with an error"),
    "server-limit": ErrorKind(_SERVER, "the server refused the call because of a limit or quota"),
    "server-redis": ErrorKind(_SERVER, "the call needs Redis, and the server has none or cannot use it"),
    "server-cloud": ErrorKind(_SERVER, "the call needs LiveKit Cloud"),
    "server-unmute": ErrorKind(_SERVER, "the server lets nobody unmute another's track"),
    "server-unavailable": ErrorKind(_SERVER, "no node or service answered the call"),
    "changed-meanwhile": ErrorKind(_FAILED, "somebody else changed it at the same time, and nothing was overwritten"),
    "expectation-failed": ErrorKind(_FAILED, "the answer is not the one that was demanded"),
    "agent-missing": ErrorKind(_FAILED, "no worker of that name took the job"),
    "agent-lost": ErrorKind(_FAILED, "a worker took the job, and its agent is not in the room, or does not live"),
    "browser-failed": ErrorKind(_FAILED, "no browser came for the page that it was to open"),
    "livekit-server-failed": ErrorKind(_FAILED, "the local livekit-server did not start, or ended by itself"),
    "agent-credentials": ErrorKind(_AUTH, "the server refused the credentials that the agent's worker uses"),
    "agent-unreachable": ErrorKind(_UNREACHABLE, "the agent's worker cannot reach the server, though lkctl can"),
    "agent-script": ErrorKind(_FAILED, "the script defines no agent, or starts its worker in each of its processes"),
    "agent-start-failed": ErrorKind(_FAILED, "the agent's worker failed or ended before it had registered"),
    "agent-port-taken": ErrorKind(_FAILED, "the agent's worker cannot listen on its health port"),
    "agent-elsewhere": ErrorKind(_FAILED, "the agent's worker registered with another server"),
    "agent-name": ErrorKind(_FAILED, "the agent's worker registered under another name than it was given"),
    "agent-rejected": ErrorKind(_FAILED, "the agent's worker did not accept its job"),
    "agent-unconnected": ErrorKind(_FAILED, "the agent's code ended without joining the room"),
    "agent-crashed": ErrorKind(_FAILED, "the agent's code raised an exception, or its process ended"),
    "agent-left": ErrorKind(_FAILED, "the agent left the room before its time"),
    "agent-unregistered": ErrorKind(ExitCode.EXPIRED, "the agent's worker did not register in time"),
    "agent-absent": ErrorKind(ExitCode.EXPIRED, "no agent came to the room in time"),
    "agent-silent": ErrorKind(ExitCode.EXPIRED, "the agent is in the room, and told no result in time"),
    "agent-remains": ErrorKind(_FAILED, "something that a launch made could not be removed"),
    "worker-lost": ErrorKind(_USAGE, "a process of lkctl's own ended by itself, so the work is not whole"),
    "build-failed": ErrorKind(_FAILED, "livekit-server could not be built"),
    "bug": ErrorKind(ExitCode.BUG, "a defect of lkctl"),
    "interrupted": ErrorKind(ExitCode.INTERRUPTED, "^C, or a question answered with no"),
    "terminated": ErrorKind(ExitCode.TERMINATED, "SIGTERM"),
}


class LkctlError(Exception):
    """A failure with its message, the next step, the docs anchor and the exit code.

    `code` is a key of CATALOGUE, which fixes the exit code. `message` names the thing and the value; `hint` is the
    next step. Both are scrubbed when they are printed, so they may hold what a server said. `evidence` and `ruled_out`
    are for `diagnose`: what was seen that proves the cause, and the other causes that were tried.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        evidence: tuple[str, ...] = (),
        ruled_out: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.proof = (evidence, ruled_out)
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that the catalogue fixes for this error's code."""
        return CATALOGUE[self.code].exit_code

    @property
    def docs(self) -> str:
        """Where the README explains this error."""
        return docs_anchor(self.code)

    def json(self) -> dict[str, str]:
        """Give it as JSON shows it, under `error`; not scrubbed."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "docs": self.docs}


def docs_anchor(name: str) -> str:
    """Where the README explains an error code or a check, for example `README.md#auth-key`."""
    return "README.md#" + name.lower().replace(".", "-")
