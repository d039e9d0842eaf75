"""What is said of a token on trial, whether it was given or came from an endpoint of the user's app."""

from collections.abc import Iterator, Sequence

from lkctl.checks import tokencase
from lkctl.checks.result import Finding, NotApplicable, Problem, Severity, Unknown
from lkctl.checks.tokencase import CLOCKS_AGREE, TokenCase
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.duration import say_duration
from lkctl.scenarios.evidence import is_for_the_api
from lkctl.secret import scrub
from lkctl.server.deadline import Deadline
from lkctl.server.refusal import Refused
from lkctl.server.validate import ask_api, validate_v1
from lkctl.settings.shape import shorten_key
from lkctl.tokens.claims import ADMIN_GRANTS
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Signature
from lkctl.tokens.roomconfig import in_camel_case
from lkctl.tokens.words import say_grants

_CODES: dict[str, str] = {Refused.key: "auth-key", Refused.signature: "auth-secret"}
_STAYS = "the server asks for it only when somebody joins: who is inside stays, and gets a fresh one from the server"
_NEWER_OF_ROOMS, _NEWER_OF_AGENTS = {"tags"}, {"restartPolicy", "deployment", "attributes"}
_ONLY_API = "it is for the server's API, not for joining"


def judge_form(case: TokenCase) -> str:
    """Say that it can be taken apart; else there would be no case."""
    return f"a JWT of {len(case.token)} characters with the API key {_key(case)}"


def judge_claims(case: TokenCase) -> str:
    """Say whether the server can read all that is in it."""
    return _settle(case, tokencase.CLAIMS, "HS256, and every claim of its type")


def judge_signature(case: TokenCase) -> str:
    """Say with whose secret it is signed."""
    proof = case.verification.expectations[0]
    evidence = []
    if case.decoded.meant:
        evidence.append(f"its signature fits {case.decoded.meant}")
    if case.verdict is not None and case.verdict.accepted:
        evidence.append(f"{case.verdict.url} accepts it")
    findings = list(case.findings(tokencase.SIGNATURE))
    if not findings and not proof.met:
        hint = "Configure the key and the secret that it should be made with, or the URL of the server"
        raise Unknown(f"its signature is {proof.found}", hint=hint)
    return settle(findings, f"signature {proof.found}", code=_rule(case, tokencase.SIGNATURE), evidence=evidence)


def judge_times(case: TokenCase) -> str:
    """Say whether it is valid now, and where the clocks are to blame, so."""
    evidence = list(_clocks(case))
    findings = list(case.findings(tokencase.TIMES))
    left = case.decoded.expires_in_s
    passed = f"valid for another {say_duration(left or 0)}; {_STAYS}"
    code = "auth-clock" if _is_about_clocks(case) else _rule(case, tokencase.TIMES)
    return settle(findings, passed, code=code, evidence=evidence)


def judge_grants(case: TokenCase) -> str:
    """Say what it allows."""
    reading = case.decoded.reading
    who = f"{shown(reading.identity)} " if reading.identity else "it "
    lacking = [name for name in ADMIN_GRANTS if not reading.video.get(name)]
    api = len(lacking) < len(ADMIN_GRANTS) or len(reading.grants) > 1
    rest = f"; of the API's grants it has not: {', '.join(lacking)}" if lacking else ""
    rest = rest if api else "; it is of no use for the server's API, such as CreateRoom or StartTrackEgress"
    return _settle(case, tokencase.GRANTS, f"{who}{say_grants(case.decoded.effective)}{rest}")


def judge_contents(case: TokenCase) -> str:
    """Say what it carries."""
    metadata = case.decoded.reading.text("metadata")
    said = f"metadata of {len(metadata.encode())} bytes" if metadata else "no metadata"
    if case.decoded.user_id is not None:
        said += f", with the user ID {shown(case.decoded.user_id)}"
    findings = [*case.findings(tokencase.CONTENTS), *_unknown_to_clients(case)]
    return settle(findings, said, code=_rule(case, tokencase.CONTENTS))


def judge_all(case: TokenCase, more: Sequence[Finding] = ()) -> str:
    """Say at once all that the others say one by one; `more` comes first."""
    rules = (*tokencase.CLAIMS, *tokencase.SIGNATURE, *tokencase.TIMES, *tokencase.GRANTS, *tokencase.CONTENTS)
    reading = case.decoded.reading
    who = f"{shown(reading.identity)} " if reading.identity else "it "
    passed = f"{who}{say_grants(case.decoded.effective)}; signature {case.verification.expectations[0].found}"
    findings = [*more, *case.findings((*rules, *tokencase.ROOM)), *_unknown_to_clients(case)]
    code = "auth-clock" if _is_about_clocks(case) else _rule(case, rules)
    return settle(findings, passed, code=code, evidence=tuple(_clocks(case)))


def judge_answer(world: World, case: TokenCase) -> str:
    """Hold the server's answer against what was foreseen."""
    world.server_url()
    if case.unanswered is not None:
        raise case.unanswered
    verdict = case.verdict
    if verdict is None:
        raise Problem("it holds characters that no HTTP header can carry", hint="Take it again from where it was made")
    foreseen = "as foreseen" if case.verification.as_predicted else "which was not foreseen"
    if verdict.accepted:
        said = f"{verdict.url} accepts it; this proves neither a place in the room nor a path for media"
        return said if case.verification.as_predicted is not False else f"{said}; {case.verification.evidence[0]}"
    if is_for_the_api(case.decoded) and verdict.code in {Refused.grant, Refused.no_permissions}:
        return _ask_api(world, case)
    said = f"{verdict.url} refuses it: {verdict.status} {scrub(verdict.reason)}"
    said += f", {foreseen}" if case.verification.as_predicted is not None else ""
    because = case.verification.evidence
    message = f"{said}; {because[-1]}" if because else said
    raise Problem(message, hint=_hint(case), code=_code(case), evidence=because)


def judge_newer_answer(world: World, case: TokenCase) -> str:
    """Ask as newer clients do, once it is known that the server takes the token."""
    if case.verdict is None or not case.verdict.accepted:
        raise NotApplicable(f"{_ONLY_API}" if case.unanswered is None else "the server has not judged it")
    url = world.server_url()
    newer = validate_v1(url, case.token, Deadline(min(world.patience, tokencase.PHASE)))
    if newer is None:
        hint = "Upgrade the server to 1.9.10 or newer; before, livekit-client 2.18 and newer may not get in"
        raise Problem(f"{url.http} has no /rtc/v1, which newer clients ask first", hint=hint)
    if newer.accepted:
        return f"{url.http} accepts it there, too"
    said = f"{url.http} accepts it at /rtc/validate, but not at /rtc/v1/validate: {newer.status} {scrub(newer.reason)}"
    raise Problem(said, hint="A proxy in front may treat the paths differently: pass all of /rtc on alike")


def _unknown_to_clients(case: TokenCase) -> Iterator[Finding]:
    """Find what clients may not know yet: livekit-client reads roomConfig of a token from an endpoint, and strictly."""
    config = in_camel_case(case.decoded.reading.values.get("roomConfig") or {})
    agents = config.get("agents") or []
    newer = {*(config.keys() & _NEWER_OF_ROOMS), *(key for agent in agents for key in agent.keys() & _NEWER_OF_AGENTS)}
    if newer:
        told = f"clients older than {', '.join(sorted(newer))} in roomConfig cannot read the token from an endpoint"
        hint = 'They say: cannot decode message … key "…" is unknown. Leave it out, or upgrade livekit-client'
        yield Finding(told, hint, case.name, Severity.info)


def _ask_api(world: World, case: TokenCase) -> str:
    url = world.server_url()
    verdict = ask_api(url, case.token, Deadline(min(world.patience, tokencase.PHASE)))
    if verdict.accepted:
        return f"the API of {url.http} takes it; {_ONLY_API}. Which calls it may make, its grants say"
    raise Problem(f"the API of {url.http} refuses it: {verdict.status} {scrub(verdict.reason)}", code="auth-refused")


def _settle(case: TokenCase, rules: tuple[str, ...], passed: str) -> str:
    return settle(case.findings(rules), passed, code=_rule(case, rules))


def _rule(case: TokenCase, rules: tuple[str, ...]) -> str:
    """Name the rule whose finding leads: the worst."""
    found = [one for one in case.decoded.findings if one.id in rules]
    return min(found, key=lambda one: (one.severity.rank, rules.index(one.id))).id if found else ""


def _code(case: TokenCase) -> str:
    """Name the cause as a call of the API would, where the token is of the configured pair: then it has the same."""
    if _is_about_clocks(case):
        return "auth-clock"
    verified = case.decoded.signature is Signature.verified
    code = case.verdict.code if case.verdict is not None else ""
    if code == Refused.room_missing:
        return "room-missing"
    return _CODES.get(code, "auth-refused") if verified else "auth-refused"


def _hint(case: TokenCase) -> str:
    rules = [one for one in case.findings(tokencase.SIGNATURE + tokencase.TIMES + tokencase.GRANTS) if one.explains]
    if rules:
        return rules[0].hint
    if case.verdict is not None and case.verdict.code == Refused.room_missing:
        return "Create the room before anybody joins, or set room.auto_create: true in the server's configuration"
    if case.decoded.signature is Signature.verified:
        return "It is made with the configured pair, so that is the one to look at: api.auth"
    return "Read it: lkctl token decode; mint one that is good: lkctl token mint"


def _is_about_clocks(case: TokenCase) -> bool:
    """Whether it would be good by this machine's clock, and is not by the server's."""
    if abs(case.ahead) <= CLOCKS_AGREE:
        return False
    ours = case.judge()
    return (ours.expired, ours.begun) != (case.decoded.expired, case.decoded.begun)


def _clocks(case: TokenCase) -> Iterator[str]:
    minted = case.decoded.reading.values.get("iat")
    if _is_about_clocks(case):
        side = "ahead of" if case.ahead > 0 else "behind"
        yield f"the server's clock is {say_duration(case.ahead)} {side} this machine's, by which it would be valid"
    if isinstance(minted, int) and minted - case.decoded.now > CLOCKS_AGREE:
        ahead = say_duration(minted - case.decoded.now)
        yield f"it says that it was minted {ahead} from now (iat): the clock of the machine that minted it is ahead"


def _key(case: TokenCase) -> str:
    return shorten_key(case.decoded.reading.text("iss")) or "(none)"
