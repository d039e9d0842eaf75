"""The help topics, made from the code that they describe; the README's reference is made from the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lkctl.errors import CATALOGUE, EXIT_MEANINGS, LkctlError
from lkctl.output.view import Column, Listing

VARIABLES: tuple[tuple[str, str], ...] = (
    ("LIVEKIT_URL", "server URL: ws, wss, http or https"),
    ("LIVEKIT_API_KEY", "API key; comes from the same layer as the secret"),
    ("LIVEKIT_API_SECRET", "API secret"),
    ("LKCTL_OUTPUT", "default of --output"),
    ("LKCTL_COLOR", "default of --color"),
    ("NO_COLOR", "when set and not empty: no colour under --color auto"),
    ("LKCTL_LIVEKIT_SERVER", "the livekit-server program that `lkctl server` and `lkctl demo` run"),
    ("XDG_CACHE_HOME", "where the built livekit-server is kept, in lkctl/ (default ~/.cache)"),
    ("SSL_CERT_FILE", "CA certificates to trust, for a private CA"),
)
LAYERS: tuple[tuple[str, str], ...] = (
    ("1 flag", "--url, --api-key, --api-secret (a value, @FILE or - for stdin)"),
    ("2 environment", "LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET"),
    ("3 .env.local", "in the working directory; or the files named by --env-file, the first wins"),
    ("4 .env", "in the working directory"),
    ("5 --project NAME", "a project of lk's (~/.livekit/cli-config.yaml); only when named, and then instead of 2 to 4"),
    ("key and secret", "come from one layer; set but empty counts as set, and is an error"),
    ("URL", "comes from that layer or a higher one, never from a lower one"),
)
FORMATS: tuple[tuple[str, str], ...] = (
    ("auto", "a table on a terminal, tsv in a pipe; reports are text in both"),
    ("table", "aligned columns with headings; one thing as key and value"),
    ("tsv", "tab-separated, without headings, colour or cutting"),
    ("json", "one document; an empty list is []; errors are JSON on stderr"),
    ("jsonl", "one compact document a line"),
    ("name", "names only, one a line"),
    ("stdout", "data"),
    ("stderr", "remarks, warnings, errors: error, hint, docs; --quiet leaves the errors"),
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: what it is about, and its table."""

    name: str
    about: str
    headings: tuple[str, str]
    rows: Callable[[], list[tuple[str, str]]]


def _checks() -> list[tuple[str, str]]:
    from lkctl.checks.catalogue import every_check

    return [(check.id, f"{check.title} ({check.severity.value}{_from(check.package)})") for check in every_check()]


def _from(package: object) -> str:
    return f", from {package}" if package else ""


def _rules() -> list[tuple[str, str]]:
    from lkctl.tokens.catalogue import RULES

    return [(rule.id, f"{rule.title} ({rule.severity.value}): {rule.consequence}") for rule in RULES]


def _roles() -> list[tuple[str, str]]:
    from lkctl.tokens.roles import ROLES

    return [(name, role.help) for name, role in ROLES.items()]


def _warnings() -> list[tuple[str, str]]:
    from lkctl.userid import WARNINGS

    return list(WARNINGS.items())


TOPICS: tuple[Topic, ...] = (
    Topic(
        "exit-codes",
        "what the process ends with",
        ("CODE", "MEANING"),
        lambda: [(f"{int(code)} {code.name}", meaning) for code, meaning in EXIT_MEANINGS.items()],
    ),
    Topic("environment", "variables, and the order of settings", ("NAME", "MEANING"), lambda: [*VARIABLES, *LAYERS]),
    Topic("output", "formats and streams", ("FORMAT", "MEANING"), lambda: list(FORMATS)),
    Topic(
        "errors",
        "the codes of errors, with their exit codes",
        ("CODE", "MEANING"),
        lambda: [(code, f"{kind.meaning} (exit {int(kind.exit_code)})") for code, kind in CATALOGUE.items()],
    ),
    Topic("checks", "the checks of diagnose and env check", ("ID", "TITLE"), _checks),
    Topic("lint", "the rules by which tokens are judged", ("ID", "WHAT IT FINDS"), _rules),
    Topic("roles", "the roles of token mint", ("ROLE", "GRANTS"), _roles),
    Topic("warnings", "the warnings of agent resolve", ("CODE", "MEANING"), _warnings),
)


def topics_view() -> Listing[tuple[str, str]]:
    """List the topics."""
    return _table([(topic.name, topic.about) for topic in TOPICS], ("TOPIC", "ABOUT"))


def find_topic(name: str) -> Listing[tuple[str, str]]:
    """Show one topic; raise `usage` for an unknown one."""
    for topic in TOPICS:
        if topic.name == name:
            return _table(topic.rows(), topic.headings)
    names = ", ".join(topic.name for topic in TOPICS)
    hint = f"Choose one of: {names}, or a command, as in: lkctl help room create"
    raise LkctlError("usage", f"there is no help topic {name!r}, and no command of this name", hint=hint)


def _table(rows: list[tuple[str, str]], headings: tuple[str, str]) -> Listing[tuple[str, str]]:
    def as_object(row: tuple[str, str]) -> Any:
        return {"name": row[0], "meaning": row[1]}

    columns: tuple[Column[tuple[str, str]], ...] = (
        Column(headings[0], lambda row: row[0]),
        Column(headings[1], lambda row: row[1]),
    )
    return Listing(rows, columns, lambda row: row[0], "Nothing", as_object, prose=True)
