"""Bundles: no secret in any spelling, the same verdict when they are judged again, and whatever else is named so."""

import base64
import binascii
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from lkctl.checks.engine import run
from lkctl.checks.report import Report
from lkctl.checks.result import Status
from lkctl.checks.room import ROOM_CHECKS
from lkctl.checks.roomsight import Sight, see_room
from lkctl.checks.url import URL_CHECKS
from lkctl.checks.world import Scope, World
from lkctl.dispatch import Judged
from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Job, Participant, Permission, Room
from lkctl.output.jsontext import as_json
from lkctl.reports import opening
from lkctl.reports.bundle import to_bundle
from lkctl.reports.facts import Facts, facts_of
from lkctl.reports.opening import open_bundle, open_report
from lkctl.reports.redaction import redacted
from lkctl.reports.replay import replayed
from lkctl.reports.revival import revive
from lkctl.secret import remember
from lkctl.server.http import Answer
from tests.checks.worlds import CLOUD, KEY, OTHER_SECRET, SECRET, env_text, world_of
from tests.reports.reports import AT, BROKEN, full_of

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBUEl4In0.c2lnbmF0dXJl"
ODD = "p@ss w/rd+&<ü>%\"'secret"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def spellings(secret: str) -> Mapping[str, bytes]:
    """Give a secret as it may come back from a server; of base64 what does not depend on the letters around it."""
    raw = secret.encode()
    return {
        "plain": raw,
        "url": quote(raw, safe="").encode(),
        "lower url": quote(raw, safe="").lower().encode() if quote(raw, safe="") != secret else raw,
        "hex": binascii.hexlify(raw),
        "json": json.dumps(secret)[1:-1].encode(),
        **{f"base64 {n}": core(base64.b64encode(PADS[n] + raw + b"?"), n, raw) for n in range(3)},
        **{f"base64url {n}": core(base64.urlsafe_b64encode(PADS[n] + raw + b"?"), n, raw) for n in range(3)},
    }


PADS = (b"", b":", b"a:")


def core(encoded: bytes, before: int, raw: bytes) -> bytes:
    """Cut off what holds bits of the bytes before and after."""
    return encoded[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]


def echoes(secret: str) -> str:
    """Give what a hostile server may say, to get a secret out."""
    raw = secret.encode()
    encoded = [encode(pad + raw + b"?") for pad in PADS for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    whole = [base64.b64encode(raw), base64.b64encode(b"key:" + raw)]
    return " ".join(text.decode() for text in (*spellings(secret).values(), *encoded, *whole))


def members(content: bytes) -> Mapping[str, bytes]:
    """Unpack a bundle."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def seen(world: World, name: str, value: object) -> World:
    """Let a world remember what was seen."""
    world.memory.once(name, lambda: value)
    return world


def participant(identity: str, **more: object) -> Participant:
    values: dict[str, object] = {"state": "ACTIVE", "joined_at": NOW, **more}
    return Participant(identity=identity, **values)  # type: ignore[arg-type]


SIGHT = Sight(
    "demo",
    Room(name="demo", metadata='{"userId": 1', created_at=NOW - timedelta(minutes=5), max_participants=1),
    (
        participant("a", metadata="[1]", attributes={"k": "v"}),
        participant("b", state="JOINED", joined_at=NOW - timedelta(seconds=30), permission=Permission(recorder=True)),
    ),
    (Judged(Dispatch("AD_x", "helper", "{}", NOW, (Job("AJ_x", "JS_RUNNING", "a"),)), "left"),),
    NOW,
)


@pytest.mark.parametrize("secret", [SECRET, ODD], ids=["usual", "odd"])
def test_no_secret_in_any_spelling(secret: str) -> None:
    """Searched byte for byte: in the file as it lies there, and in what is packed into it."""
    world = world_of({".env": env_text(secret=f"'{secret}'" if secret == SECRET else None)})
    remember(secret)
    hostile = f"{echoes(secret)} {JWT}"
    answer = Answer(404, {"x": hostile, "set-cookie": "session=1"}, hostile.encode(), 0, 0)
    seen(world, "net.fingerprint", answer)
    seen(world, "room demo", replace(SIGHT, room=replace(SIGHT.room or Room(), metadata=hostile)))
    content = to_bundle(full_of(hostile), world)
    unpacked = members(content)
    assert set(unpacked) == {
        "bundle.json", "report.md", "report.json", "settings.json", "facts.json", "answers.json",
    }  # fmt: skip
    for name, bytes_ in {"the file": content, **unpacked}.items():
        for how, spelt in spellings(secret).items():
            assert spelt not in bytes_, (name, how)
        assert b"eyJ" not in bytes_, name
        assert b"session=1" not in bytes_, name
    assert KEY.encode() not in b"".join(unpacked.values())


def test_the_search_finds_what_is_there() -> None:
    """Without the redaction every spelling would be found."""
    hostile = echoes(SECRET)
    for how, spelt in spellings(SECRET).items():
        assert spelt in hostile.encode(), how
        assert spelt.decode() not in redacted_with(SECRET, hostile), how


CUT = [
    pytest.param(f"it was {SECRET[:20]}… (2,000 characters)", "it was <secret>… (2,000 characters)", id="by 20"),
    pytest.param(f"{SECRET[:12]}", "<secret>", id="to 12"),
    pytest.param(f"{SECRET[:15]}x{SECRET[:30]}y{SECRET}z", "<secret>x<secret>y<secret>z", id="several"),
    pytest.param(base64.b64encode(SECRET.encode()).decode()[:30] + "…", "<secret>…", id="base64"),
    pytest.param(SECRET[:6], SECRET[:6], id="too little to know it"),
]


@pytest.mark.parametrize(("text", "left"), CUT)
def test_a_secret_that_was_cut(text: str, left: str) -> None:
    """Whoever shortens a text may cut a secret in two: what is left of it is struck."""
    assert redacted_with(SECRET, text) == left


def redacted_with(secret: str, text: str) -> str:
    remember(secret)
    return redacted(text)


def test_what_is_in_it() -> None:
    """Settings with origins, versions, answers of servers."""
    world = world_of({".env": env_text(), ".env.local": "LIVEKIT_URL=ws://localhost:7880\n"})
    unpacked = members(to_bundle(BROKEN, seen(world, "net.fingerprint", Answer(404, {"a": "b"}, b"x", 0, 0))))
    settings = {one["name"]: one for one in json.loads(unpacked["settings.json"])}
    assert (settings["LIVEKIT_API_SECRET"]["value"], settings["LIVEKIT_API_SECRET"]["origin"]) == (
        "(secret, 43 characters)", ".env:3",
    )  # fmt: skip
    about = json.loads(unpacked["bundle.json"])
    assert about["schema"] == "lkctl.bundle/1"
    assert {"lkctl", "python", "system", "packages"} <= set(about["versions"])
    assert json.loads(unpacked["answers.json"])["net.fingerprint"]["status"] == 404
    assert json.loads(unpacked["report.json"]) == BROKEN.json()


def test_the_same_facts_give_the_same_bytes() -> None:
    """So that bundles can be compared and kept."""
    assert to_bundle(BROKEN, None) == to_bundle(BROKEN, None)


def judged(world: World) -> Report:
    """Judge a world by what can be judged from it alone."""
    checks = [*URL_CHECKS, *(one for one in ROOM_CHECKS if one.id not in {"room.live", "room.dispatches"})]
    results = tuple(run(checks, world, timeout=20))
    return Report("diagnose", world.value("LIVEKIT_URL"), AT, 5, results)


URLS = [
    CLOUD,
    "ws://livekit.example.com",
    "wss://livekit.io/x",
    "wss://127.0.0.1:7880/rtc",
    "ws://livekit:7880",
    "x:/y",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("listening", [None, frozenset({7880})], ids=["unknown", "known"])
def test_it_replays_to_the_same(url: str, listening: frozenset[int] | None) -> None:
    """Every result, the cause and the verdict are what they were: judged from the file alone."""
    world = world_of({".env": env_text(url=url)}, in_container=True, listening=listening)
    world = seen(replace(world, scope=Scope(room="demo")), "room demo", SIGHT)
    report = judged(world)
    Path("b.zip").write_bytes(to_bundle(report, world))
    for name in Path().glob(".env*"):
        name.unlink()
    bundle = open_bundle(Path("b.zip"))
    assert bundle.facts is not None
    assert replayed(bundle.facts).json() == report.json()
    assert bundle.report == report.json()


def test_newer_rules_judge_old_facts() -> None:
    """What an older lkctl let pass, this one sees in the facts: the results are not just repeated."""
    world = world_of({".env": env_text(url="wss://livekit.io/x")})
    world = seen(replace(world, scope=Scope(room="demo")), "room demo", SIGHT)
    good = tuple(
        replace(one, status=Status.passed, findings=(), code="", detail="fine", blocked_by=())
        for one in judged(world).results
    )
    old = replace(judged(world), results=good)
    assert old.verdict == "pass"
    again = replayed(facts_of(old, world))
    assert again.verdict == "fail"
    assert again.probable_cause is not None
    assert again.probable_cause.check == "url.cloud"
    assert {one.id: one.status for one in again.results}["room.metadata"] is Status.warn


UNSEEN: list[object] = [
    pytest.param("smoke", CLOUD, {"smoke.create": "pass"}, id="smoke-fine"),
    pytest.param("smoke", "wss://livekit.io", {"url.cloud": "fail", "smoke.create": "pass"}, id="smoke-newer rule"),
    pytest.param("diagnose", "wss://livekit.io", {"smoke.create": "pass"}, id="what --only or --skip left out"),
]


@pytest.mark.parametrize(("command", "url", "ends"), UNSEEN)
def test_newer_rules_judge_what_a_smoke_run_did_not_show(command: str, url: str, ends: Mapping[str, str]) -> None:
    """It made these checks, and shows only those that fail."""
    shown = replace(BROKEN.results[0], id="smoke.create", area="smoke", status=Status.passed, findings=(), code="")
    old = replace(BROKEN, command=command, results=(shown,))
    again = replayed(facts_of(old, world_of({".env": env_text(url=url)})))
    assert {one.id: one.status.value for one in again.results} == ends
    assert (again.probable_cause.check if again.probable_cause else "") == ("url.cloud" if len(ends) > 1 else "")


def test_a_url_with_a_login_is_not_told() -> None:
    """It is judged as it was: what is left of it would be another URL."""
    world = world_of({".env": env_text(url="wss://me:hunter2hunter2@demo.livekit.cloud")})
    report = judged(world)
    assert facts_of(report, world).url == ""
    assert b"hunter2hunter2" not in b"".join(members(to_bundle(report, world)).values())
    assert replayed(facts_of(report, world)).verdict == report.verdict == "fail"


def test_revival_is_exact() -> None:
    """Facts come back as they were, with all that is in them."""
    world = world_of({".env": env_text()})
    world = seen(replace(world, scope=Scope(room="demo")), "room demo", SIGHT)
    facts = facts_of(BROKEN, seen(world, "net.addresses", [(2, "127.0.0.1"), (10, "::1")]))
    assert revive(Facts, json.loads(json.dumps(as_json(facts)))) == facts
    assert facts.sights == (see_room(world, "demo"),)


def packed(**files: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


GOOD = members(to_bundle(BROKEN, None))
ABOUT, REPORT = GOOD["bundle.json"], GOOD["report.json"]
NESTED = b"[" * 100_000
ODD_RESULTS = {"schema": "lkctl.report/1", "verdict": "pass", "results": [1]}


def truncated() -> bytes:
    return to_bundle(BROKEN, None)[:-40]


def flipped() -> bytes:
    """Give a bundle with a broken byte in what is packed."""
    content = bytearray(to_bundle(BROKEN, None))
    content[80] ^= 0xFF
    return bytes(content)


BAD: list[object] = [
    pytest.param(lambda: b"", "input-empty|input-malformed", id="empty"),
    pytest.param(lambda: b"PK\x03\x04" + b"\0" * 50, "input-malformed", id="no zip"),
    pytest.param(truncated, "input-malformed", id="truncated"),
    pytest.param(flipped, "input-malformed", id="broken"),
    pytest.param(lambda: packed(x="y"), "input-malformed", id="another zip"),
    pytest.param(lambda: packed(bundle_json="{}", report_json=REPORT), "input-malformed", id="no schema"),
    pytest.param(lambda: packed(bundle_json="[]", report_json=REPORT), "input-malformed", id="no object"),
    pytest.param(lambda: packed(bundle_json="\xff\xfe", report_json=REPORT), "input-malformed", id="no JSON"),
    pytest.param(lambda: packed(bundle_json=NESTED, report_json=REPORT), "input-malformed", id="nested"),
    pytest.param(lambda: packed(bundle_json=ABOUT), "input-malformed", id="no report"),
    pytest.param(lambda: packed(bundle_json=ABOUT, report_json='{"schema": "x/2"}'), "input-malformed", id="foreign"),
    pytest.param(
        lambda: packed(bundle_json=ABOUT, report_json=json.dumps(ODD_RESULTS)),
        "input-malformed", id="broken results",
    ),
    pytest.param(
        lambda: packed(bundle_json=ABOUT, report_json=REPORT, facts_json='{"room": 1}'), "input-malformed", id="facts"
    ),
    pytest.param(
        lambda: packed(bundle_json=b" " * (3 * 1024 * 1024), report_json=REPORT), "input-too-large", id="bomb"
    ),
    pytest.param(lambda: packed(**{f"f{n}": "" for n in range(100)}), "input-malformed", id="many members"),
    pytest.param(lambda: b" " * (2 * 1024 * 1024), "input-too-large", id="large"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "codes"), BAD)
def test_broken_files_are_refused(make: Callable[[], bytes], codes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With words and exit code 2; a bomb is unpacked no further than to the limit."""
    monkeypatch.setattr(opening, "_MOST_FILE", 1024 * 1024)
    monkeypatch.setattr(opening, "_MOST_MEMBER", 1024 * 1024)
    Path("x.zip").write_bytes(make())
    with pytest.raises(LkctlError) as error:
        open_bundle(Path("x.zip"))
    assert error.value.code in codes.split("|")
    assert error.value.exit_code == 2
    assert "x.zip" in error.value.message
    assert error.value.hint


def test_reports_of_both_kinds() -> None:
    """A difference takes bundles and the documents of `-o json`."""
    Path("a.zip").write_bytes(to_bundle(BROKEN, None))
    Path("a.json").write_text(json.dumps(BROKEN.json()))
    assert open_report(Path("a.zip")) == open_report(Path("a.json")) == BROKEN.json()
    Path("b.json").write_text("{")
    with pytest.raises(LkctlError, match="neither a bundle nor JSON"):
        open_report(Path("b.json"))


def test_other_secrets_are_struck_too() -> None:
    """Secrets of files nearby are known to a run, and struck."""
    world = world_of({".env": env_text(), "other/.env": env_text(secret=OTHER_SECRET)})
    content = to_bundle(full_of(f"it was {OTHER_SECRET}"), world)
    assert OTHER_SECRET.encode() not in b"".join(members(content).values())
