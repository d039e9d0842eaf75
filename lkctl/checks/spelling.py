"""How values are spelled: quotes, blanks, placeholders and line ends that come along unseen and end in a 401."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from lkctl.checks.bearing import with_bearing
from lkctl.checks.result import Finding, NotApplicable, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.files.envfile import Entry, EnvFile
from lkctl.files.folder import SERVER_KEYS
from lkctl.settings.layers import KEY, NAMES, SECRET, URL
from lkctl.settings.shape import QUOTES

_SWALLOWED = re.compile(r"\n\s*(?:export\s+)?(LIVEKIT_\w+)\s*=")  # the next line of a file, in a value
_HIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u00a0\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_PLACEHOLDER = re.compile(
    r"""<[^<>]*>?|\[[^\[\]]*\]|\{\{[^{}]*\}\}|\.{3,}|…|[x*#?-]{3,}|API[x_*]{3,}|xxx[-_].*
    |(?:your|my|the)(?:[-_ ](?:own|live-?kit|api|server|project|sub-?domain|host|url|key|secret|app|name|domain))+
    |your[-_ ].*|(?:paste|put|insert|enter|add|fill|replace|set)[-_ ].*|.*[-_ ]here|change[-_ ]?(?:me|this|it).*
    |(?:live-?kit[-_ ]?)?api[-_ ]?(?:key|secret)|live-?kit[-_ ]?(?:key|secret|url)|to-?do|fix-?me|tbd
    |placeholder.*|example.*|dummy.*|undefined|null|none|nil|nan|true|false""",
    re.IGNORECASE | re.VERBOSE,
)
_EXAMPLE_HOST = re.compile(r"(?:.*\.)?(?:example(?:\.(?:com|net|org))?|invalid)")  # reserved by RFC 2606
_REFERENCE = re.compile(r"\$(?:\w+|\{\{?[^{}]*\}?\})|%\w+%")
_LINE_END = re.compile(r"\r\n|\n|\r")  # as python-dotenv counts lines
_TRICKY = set("$#`\\!&|;")
_SERVER_KEYS = re.compile(r"\s*[^\s:]+:\s+\S+\s*")
REMEDY = "A local server tells its own (lkctl server start); those of Cloud stand in the project's settings"
_ABSENT = ("settings-missing", "settings-partial")
_SYMPTOM = {
    URL: "it names no server then",
    KEY: "the server answers 401 (invalid API key)",
    SECRET: "the server answers 401 (signature is invalid)",
}


def judge_spelling(world: World) -> str:
    """Look at the raw text of env files, and at the values from elsewhere."""
    findings: list[Finding] = []
    for file in world.all_env_files():
        found = _file_findings(file)
        findings += found if file in world.env_files else map(_soften, found)
    findings += _values_elsewhere(world)
    for declared in world.surroundings.declared:
        if "$" not in declared.text:
            findings += map(_soften, _value_findings(declared.name, declared.text, declared.place))
        findings += map(_soften, _server_keys(declared.name, declared.text, declared.place))
    names = [file.name for file in world.all_env_files()]
    if not names and not any(world.value(name) for name in NAMES):
        raise NotApplicable("there is no env file and no value to look at")
    return settle(
        with_bearing(world, findings), f"no stray quotes, blanks or placeholders in {', '.join(names) or 'the values'}"
    )


def is_placeholder(name: str, text: str) -> bool:
    """Whether a value is still that of an example, or what `undefined` became on its way."""
    bare = text.strip().strip(QUOTES)
    if name != URL or not re.search(r"[.:/]", bare):
        return _PLACEHOLDER.fullmatch(bare) is not None
    host = re.sub(r"^\w+://", "", bare).partition("/")[0].rpartition("@")[2].partition(":")[0].lower()
    first = host.removesuffix(".livekit.cloud")
    return (
        "<" in bare
        or _EXAMPLE_HOST.fullmatch(host) is not None
        or any(label.startswith("your") for label in host.split("."))
        or (first != host and _PLACEHOLDER.fullmatch(first) is not None)
    )


def _values_elsewhere(world: World) -> Iterator[Finding]:
    """Judge the values that stand in no env file: flags, environment, a stored project."""
    files = {file.name for file in world.env_files}
    for layer in world.settings.layers:
        for name, value in layer.values.items() if layer.name not in files else ():
            yield from _value_findings(name, value.text, value.origin)


def _file_findings(file: EnvFile) -> list[Finding]:
    findings = [*_bytes(file), *_broken(file), *_twice(file)]
    lines = _LINE_END.split(file.text)
    for entry in file.entries:
        if entry.name in NAMES or entry.name == SERVER_KEYS:
            findings += _entry_findings(entry, file, lines[entry.line - 1] if entry.line <= len(lines) else "")
    return findings


def _bytes(file: EnvFile) -> Iterator[Finding]:
    """Judge what no editor shows: the byte order mark, and carriage returns."""
    if file.text.startswith("\ufeff"):
        said = "the file begins with a byte order mark; shells, Docker and older python-dotenv take it into the name"
        yield Finding(said, "Save it as UTF-8 without BOM", f"{file.name}:1", Severity.warn)
    before, mark, _ = file.text.partition("\r")
    if mark:
        said = "lines end with CR LF; a shell that sources the file adds a CR to each value: the server answers 401"
        hint = f"Convert it: sed -i 's/\\r$//' {file.name}"
        yield Finding(said, hint, f"{file.name}:{before.count(chr(10)) + 1}", Severity.warn)


def _broken(file: EnvFile) -> Iterator[Finding]:
    lines = _LINE_END.split(file.text)
    for number in file.broken_lines:
        line = lines[number - 1] if number <= len(lines) else ""
        opened = re.search(r"=\s*[\"']", line) is not None
        what = "a quote is opened and not closed as it should" if opened else "this is no NAME=value"
        hint = "Close the quote, or take both away" if opened else "Write NAME=value, or begin the line with #"
        ours = "LIVEKIT" in line.upper()
        severity, explains = (Severity.fail, _ABSENT) if ours else (Severity.warn, ())
        said = f"{what}; python-dotenv skips the line"
        yield Finding(said, hint, f"{file.name}:{number}", severity, explains=explains)


def _twice(file: EnvFile) -> Iterator[Finding]:
    counted = Counter(entry.name for entry in file.entries if entry.name in NAMES)
    for name in (name for name, count in counted.items() if count > 1):
        *earlier, last = [entry.line for entry in file.entries if entry.name == name]
        said = f"{name} is set again, after line {', '.join(map(str, earlier))}; the last one counts"
        yield Finding(said, "Keep one of them", f"{file.name}:{last}", Severity.warn)


def _entry_findings(entry: Entry, file: EnvFile, line: str) -> Iterator[Finding]:
    place = f"{file.name}:{entry.line}"
    if entry.value is None:
        yield Finding(f"{entry.name} has no = and no value", f"Write {entry.name}=value", place, Severity.fail)
        return
    if re.match(rf"\s*(?:export\s+)?{entry.name}(?:\s+=|=\s+\S)", line):
        said = f"blanks around the = of {entry.name}: python-dotenv copes, a shell and docker --env-file do not"
        yield Finding(said, "Take them away", place, Severity.warn)
    yield from _value_findings(entry.name, entry.value, place)
    yield from _server_keys(entry.name, entry.value, place)


def _value_findings(name: str, text: str, place: str) -> Iterator[Finding]:
    """Judge one value; a value that is a placeholder is not judged further. Secrets are described, never shown."""
    if name not in NAMES or not text.strip():
        return
    if is_placeholder(name, text):
        said = f"{name} still holds a placeholder, not a value; {_SYMPTOM[name]}"
        yield Finding(said, REMEDY, place, Severity.fail)
    elif _REFERENCE.fullmatch(text.strip()):
        said = f"{name} holds the reference itself instead of what it refers to; {_SYMPTOM[name]}"
        yield Finding(said, "Write the value; python-dotenv resolves ${NAME} and nothing else", place, Severity.fail)
    else:
        yield from _flaws(name, text, place)


def _flaws(name: str, text: str, place: str) -> Iterator[Finding]:
    bare = text.strip()
    flaws = [
        (text != bare, "begins or ends with a blank", "Take the blanks away"),
        (bare[0] in QUOTES or bare[-1] in QUOTES, "has a quote that is taken for part of it", "Take the quotes away"),
        (_HIDDEN.search(bare) is not None, "holds an invisible character or a line break; is a quote left open?",
         "Type the value anew, or copy it as plain text"),
        (bare.startswith(f"{name}="), "begins with its own name", f"Take the second {name}= away"),
        (re.search(r"[^\S\r\n]", bare) is not None and name != SECRET, "has a blank inside", "Take it away"),
    ]  # fmt: skip
    found = [(what, hint) for wrong, what, hint in flaws if wrong]
    swallowed = _SWALLOWED.search(text)
    if swallowed is not None:
        said = f"a quote is opened in {name} and not closed in its line, so that it holds {swallowed[1]} as well"
        yield Finding(said, "Close the quote, or take it away", place, Severity.fail, explains=_ABSENT)
        return
    for what, hint in found:
        yield Finding(f"{name} {what}; {_SYMPTOM[name]}", hint, place, Severity.fail)
    if name == SECRET and not found and _TRICKY & set(bare):
        marks = " ".join(sorted(_TRICKY & set(bare)))
        said = f"{name} holds {marks}, which shells, compose and python-dotenv read differently: one of them gets a 401"
        yield Finding(said, "Make a secret of letters and digits: livekit-server generate-keys", place, Severity.warn)


def _server_keys(name: str, text: str, place: str) -> Iterator[Finding]:
    """livekit-server ends with `Could not parse keys, it needs to be exactly, "key: secret", including the space`."""
    pairs = [line for line in text.splitlines() if line.strip()] if name == SERVER_KEYS else []
    if any(not _SERVER_KEYS.fullmatch(re.sub(r"\$\{[^}]*\}", "x", line)) for line in pairs):
        said = f"{name} is not of the form `key: secret`, with a blank after the colon; livekit-server will not start"
        yield Finding(said, f'Write it like {name}="devkey: secret"', place, Severity.fail)


def _soften(finding: Finding) -> Finding:
    """Make a warning of what is wrong in a file that is not in force, and explains nothing."""
    severity = Severity.warn if finding.severity is Severity.fail else finding.severity
    return replace(finding, severity=severity, explains=())
