"""Rules on the form of a token, its signature and its times (L01-L09, L15)."""

from collections.abc import Iterator

from lkctl.duration import say_duration
from lkctl.settings.shape import looks_like_secret, looks_swapped, shorten_key
from lkctl.tokens.claims import GROUPS, LEEWAY
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject
from lkctl.tokens.reading import Mismatch

_MILLISECONDS = 10**11  # as seconds: the year 5138
_DAY = 86_400
_LONGEST_CLIENT, _LONGEST, _SHORTEST = _DAY, 30 * _DAY, 60
_MOST_PROBLEMS = 5
_CLOCKS = "Compare the clocks of the machine that mints and of the server"
_TYPES = {
    "bool": "true or false",
    "string": "text",
    "[]string": "a list of texts",
    "map[string]string": "an object of texts",
    "NumericDate": "a number of seconds",
    "ClaimStrings": "a text or a list of texts",
}
_FOUND = {"bool": "true or false", "string": "text", "array": "a list", "object": "an object", "number": "a number"}


def _not_a_jwt(_subject: Subject) -> Iterator[Fault]:
    """Find nothing: what is no JWT is refused before it can be judged (lookalike.py)."""
    yield from ()


def _algorithm(subject: Subject) -> Iterator[Fault]:
    alg = subject.header.get("alg")
    if alg != "HS256":
        says = f"is {shown(alg)}" if isinstance(alg, str) else "is missing" if alg is None else "is no text"
        yield Fault(f"the algorithm (alg) {says}; the server takes HS256 only", "Sign with HS256 and the API secret")


def _signature(subject: Subject) -> Iterator[Fault]:
    if subject.signature == "bad":
        yield Fault(
            f"the signature does not fit the configured secret{f'; it fits {subject.meant}' if subject.meant else ''}",
            "Mint with the secret that the server has for this key; a token whose end is cut off looks the same",
        )


def _issuer(subject: Subject) -> Iterator[Fault]:
    issuer, pair = subject.reading.text("iss"), subject.pair
    if not issuer:
        yield Fault("no API key is named (iss)", "The issuer of a token is the API key")
    elif looks_like_secret(issuer) and (pair is None or pair.key != issuer or looks_swapped(pair.key, pair.secret)):
        yield Fault(
            "the API key (iss) looks like a secret: key and secret may be swapped",
            "Swap LIVEKIT_API_KEY and LIVEKIT_API_SECRET; a secret that went out in a token must be replaced",
        )
    elif pair is not None and pair.key != issuer:
        fits = f"; it fits {subject.meant}" if subject.meant else ""
        told = f"the token names the API key {shorten_key(issuer)}, configured is {shorten_key(pair.key)}{fits}"
        yield Fault(told, "Use the settings of the project that the token is for", Severity.warning)


def _expiry(subject: Subject) -> Iterator[Fault]:
    expires = subject.reading.values.get("exp")
    if expires is None or subject.now < expires:
        return
    ago = say_duration(int(subject.now) - expires)
    if subject.now < expires + LEEWAY:
        yield Fault(f"expired {ago} ago, within the minute that the server allows", "Mint a new one", Severity.warning)
    else:
        yield Fault(f"expired {ago} ago", "Mint a new one; those already inside stay connected")


def _start(subject: Subject) -> Iterator[Fault]:
    starts = subject.reading.values.get("nbf")
    if starts is None or subject.now >= starts:
        return
    ahead = say_duration(starts - int(subject.now)) if starts < _MILLISECONDS else "thousands of years"
    if subject.now >= starts - LEEWAY:
        yield Fault(f"valid only in {ahead}, within the minute that the server allows", _CLOCKS, Severity.warning)
    else:
        yield Fault(f"valid only in {ahead} (nbf)", _CLOCKS)


def _no_expiry(subject: Subject) -> Iterator[Fault]:
    if "exp" not in subject.reading.values and not any(wrong.path == "exp" for wrong in subject.reading.mismatches):
        yield Fault(
            "it never expires: exp is missing; servers up to 1.13.5 take it for ever, 1.13.6 and later refuse it",
            "Give it an expiry: exp, in seconds since 1970",
        )


def _odd_times(subject: Subject) -> Iterator[Fault]:
    values = subject.reading.values
    wild = [name for name in ("exp", "nbf", "iat") if abs(values.get(name, 0)) > _MILLISECONDS]
    for name in wild:
        yield Fault(f"{name} is not in seconds: it looks like milliseconds", "Divide by 1000")
    if not wild and "exp" in values and "nbf" in values and values["exp"] < values["nbf"]:
        yield Fault("it expires (exp) before it begins to be valid (nbf)", _CLOCKS)
    for name in subject.reading.quoted_times:
        yield Fault(f"{name} is a number in quotes, which not every verifier takes", "Write it without quotes")


def _lifetime(subject: Subject) -> Iterator[Fault]:
    values = subject.reading.values
    if "exp" not in values or values["exp"] > _MILLISECONDS:
        return
    life = values["exp"] - values.get("nbf", values.get("iat", subject.now))
    if life > _LONGEST:
        hint = "Whoever gets hold of it can use it for all that time"
        yield Fault(f"it is valid for {say_duration(life)}", hint, Severity.security)
    elif life > _LONGEST_CLIENT and subject.reading.video.get("roomJoin"):
        yield Fault(f"it is valid for {say_duration(life)}", "A client needs it only to connect: hours are enough")
    elif 0 <= life < _SHORTEST and values.keys() & {"nbf", "iat"}:
        hint = "Give it a minute or more: clocks differ, networks are slow"
        yield Fault(f"it is valid for {say_duration(life)} only", hint)


def _types(subject: Subject) -> Iterator[Fault]:
    for problem in subject.problems[:_MOST_PROBLEMS]:
        refused = "the server refuses the whole token" if problem.breaks else "readers differ in what they make of it"
        hint = "Write plain JSON, each key once" if "signature" not in problem.message else "Write base64url, without ="
        yield Fault(f"{problem.message}: {refused}", hint)
    for wrong in subject.reading.mismatches[:_MOST_PROBLEMS]:
        yield Fault(_mismatch(wrong), _advice(wrong))
    for path in subject.reading.nulls[:_MOST_PROBLEMS]:
        yield Fault(f"{path} is null, which the server takes for absent", "Leave it out", Severity.info)


def _mismatch(wrong: Mismatch) -> str:
    if wrong.fault:
        return f"{wrong.told}: the server refuses the whole token"
    if wrong.wanted == "NumericDate" and wrong.found in {"number", "string"}:
        return f"{wrong.path} is no time in seconds: the server refuses the whole token"
    wanted = _TYPES.get(wrong.wanted, "an object")
    found = _FOUND[wrong.found]
    says = f"is {found} and must be {wanted}" if found != wanted else f"is not {wanted}"
    inside = wrong.path in {"attributes", "kindDetails"} and wrong.wanted == "string"
    return f"{'a value in ' if inside else ''}{wrong.path} {says}: the server refuses the whole token"


def _advice(wrong: Mismatch) -> str:
    if wrong.path == "metadata":
        return "Metadata is text: encode it once, with JSON.stringify or json.dumps"
    if wrong.path.partition(".")[0] in GROUPS and wrong.wanted == "bool":
        return "Write true or false without quotes"
    if wrong.path == "attributes":
        return 'The values of attributes are texts: write 5 as "5"'
    return "Write it with the right type"


ENVELOPE_RULES: tuple[Rule, ...] = (
    Rule("L01", Severity.error, "It is not a JWT", _not_a_jwt),
    Rule("L02", Severity.error, "The algorithm is not HS256", _algorithm),
    Rule("L03", Severity.error, "The signature does not fit the secret", _signature),
    Rule("L04", Severity.error, "The API key is missing, another one, or a secret", _issuer),
    Rule("L05", Severity.error, "It has expired", _expiry),
    Rule("L06", Severity.error, "It is not valid yet", _start),
    Rule("L07", Severity.error, "It never expires", _no_expiry),
    Rule("L08", Severity.error, "A time is in the wrong unit or order", _odd_times),
    Rule("L09", Severity.warning, "It is valid for very long, or hardly at all", _lifetime),
    Rule("L15", Severity.error, "A claim has the wrong JSON type", _types),
)
