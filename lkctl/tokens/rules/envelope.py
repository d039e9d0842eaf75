"""Rules on the form of a token, on what signs it, and on the types of its claims (L01-L04, L15, L28, L32)."""

from collections.abc import Iterable, Iterator

from lkctl.settings.shape import (
    DEFAULT_PAIR,
    SHORTEST_SAFE_SECRET,
    Pair,
    looks_like_secret,
    looks_swapped,
    shorten_key,
)
from lkctl.tokens.claims import GROUPS
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Fault, Rule, Severity, Signature, Subject
from lkctl.tokens.reading import Mismatch

_MOST_PROBLEMS = 5
_DEV_SERVER = "/".join(DEFAULT_PAIR)  # how the pair of `livekit-server --dev` is named
_TYPES = {
    "bool": "true or false",
    "string": "text",
    "[]string": "a list of texts",
    "map[string]string": "an object of texts",
    "NumericDate": "a number of seconds",
    "ClaimStrings": "a text or a list of texts",
}
_FOUND = {"bool": "true or false", "string": "text", "array": "a list", "object": "an object", "number": "a number"}


def _not_a_jwt(_subject: Subject) -> Iterable[Fault]:
    """Find nothing: what is no JWT is refused before it can be judged (lookalike.py)."""
    return ()


def _algorithm(subject: Subject) -> Iterator[Fault]:
    alg = subject.header.get("alg")
    if alg != "HS256":
        says = f"is {shown(alg)}" if isinstance(alg, str) else "is missing" if alg is None else "is not text"
        yield Fault(f"the algorithm (alg) {says}; the server accepts only HS256", "Sign with HS256 and the API secret")


def _signature(subject: Subject) -> Iterator[Fault]:
    if subject.signature is Signature.bad:
        yield Fault(
            f"the signature does not fit the configured secret{f'; it fits {subject.meant}' if subject.meant else ''}",
            subject.remedy
            or "Mint with the secret that the server has for this key; a token whose end is cut off looks the same",
        )


def _issuer(subject: Subject) -> Iterator[Fault]:
    issuer, pair = subject.reading.text("iss"), subject.pair
    if not issuer:
        yield Fault("no API key is named (iss)", "The issuer of a token is the API key")
    elif looks_like_secret(issuer) and (pair is None or pair.key != issuer or looks_swapped(pair.key, pair.secret)):
        yield Fault(
            "the API key (iss) looks like a secret: key and secret may be swapped",
            "Swap LIVEKIT_API_KEY and LIVEKIT_API_SECRET; replace a secret that was sent out in a token",
        )
    elif pair is not None and pair.key != issuer:
        fits = f"; it fits {subject.meant}" if subject.meant else ""
        told = f"the token names the API key {shorten_key(issuer)}, but {shorten_key(pair.key)} is configured{fits}"
        severity = Severity.error if subject.facts.strict_key else Severity.warning
        yield Fault(told, subject.remedy or "Use the settings of the project that the token is for", severity)
    elif pair is None and subject.meant and _DEV_SERVER not in subject.meant:
        told = f"no API key is configured; the signature fits {subject.meant}"
        yield Fault(told, subject.remedy, Severity.info)
    elif issuer == DEFAULT_PAIR[0] and subject.facts.host and not _is_local(subject):
        told = f"{issuer} is the API key of `livekit-server --dev`; {subject.facts.host} should not know it"
        yield Fault(told, "Use the key and secret of that server", Severity.warning)


def _is_local(subject: Subject) -> bool:
    """Whether the server is known, and out of the reach of the internet."""
    from lkctl.settings.hosts import is_private

    return bool(subject.facts.host) and is_private(subject.facts.host)


def _forgeable(subject: Subject) -> Iterator[Fault]:
    pair, verified = subject.pair, subject.signature is Signature.verified
    if (verified and pair and pair.secret == DEFAULT_PAIR[1]) or _DEV_SERVER in subject.meant:
        told = "it verifies with the secret of `livekit-server --dev`, which everyone knows"
        local = _is_local(subject)
        yield Fault(told, "Make a pair of your own: livekit-server generate-keys", Severity.info if local else None)
    elif verified and pair and _is_short(pair):
        size = f"{len(pair.secret)} character{'' if len(pair.secret) == 1 else 's'}"
        told = f"the secret that signs it has {size}, fewer than {SHORTEST_SAFE_SECRET}"
        yield Fault(told, "Make a longer one: livekit-server generate-keys")


def _is_short(pair: Pair) -> bool:
    return len(pair.secret) < SHORTEST_SAFE_SECRET


def _webhook(subject: Subject) -> Iterator[Fault]:
    if "sha256" in subject.reading.values:
        told = "it carries the hash of a body (sha256): it signs a webhook"
        yield Fault(told, "Check it together with the body: lkctl webhook verify")


def _types(subject: Subject) -> Iterator[Fault]:
    for problem in subject.problems[:_MOST_PROBLEMS]:
        refused = "the server refuses the whole token" if problem.breaks else "readers differ in what they make of it"
        hint = "Write plain JSON, each key once" if "signature" not in problem.message else "Write base64url, without ="
        yield Fault(f"{problem.message}: {refused}", hint)
    for wrong in subject.reading.mismatches[:_MOST_PROBLEMS]:
        yield Fault(_mismatch(wrong), _advice(wrong))
    for path in subject.reading.nulls[:_MOST_PROBLEMS]:
        yield Fault(f"{path} is null, which the server treats as absent", "Leave it out", Severity.info)


def _mismatch(wrong: Mismatch) -> str:
    if wrong.fault:
        return f"{wrong.told}: the server refuses the whole token"
    if wrong.wanted == "NumericDate" and wrong.found in {"number", "string"}:
        return f"{wrong.path} is not a time in seconds: the server refuses the whole token"
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
        return 'Attribute values are texts: write 5 as "5"'
    return "Give it the right type"


ENVELOPE_RULES: tuple[Rule, ...] = (
    Rule("L01", Severity.error, "It is not a JWT", _not_a_jwt, "401"),
    Rule("L02", Severity.error, "The algorithm is not HS256", _algorithm, "401"),
    Rule("L03", Severity.error, "The signature does not fit the secret", _signature, "401"),
    Rule(
        "L04",
        Severity.error,
        "The API key is missing, not the configured one, or a secret",
        _issuer,
        "401 invalid API key",
    ),
    Rule("L15", Severity.error, "A claim has the wrong JSON type", _types, "401 for the whole token"),
    Rule("L28", Severity.security, "The secret is short, or known to everyone", _forgeable, "anyone can forge tokens"),
    Rule("L32", Severity.info, "It signs a webhook", _webhook, "it gives no access"),
)
