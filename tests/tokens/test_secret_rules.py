"""Secrets in tokens (L25, L29): found by shape and by name, never shown, and nothing innocent taken for one."""

import json
import time
from typing import Any

import pytest

from tests.tokens.forge import ID, NOW, ids, read, token

# Put together, lest whoever scans this file takes them for real ones
MIXED = "a1B2c3D4e5F6g7H8i9J0" * 8
JWT = f"eyJ{MIXED[:33]}.eyJ{MIXED[:60]}.{MIXED[:43]}"
SHAPES = {
    "a JWT": (JWT, "another JWT"),
    "a JWT in a sentence": (f"use {JWT}!", "another JWT"),
    "a private key": ("-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE", "a private key"),
    "an OpenSSH key": ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", "a private key"),
    "AWS": ("AK" + "IA" + "ABCDEFGH12345678", "an AWS access key"),
    "AWS, temporary": ("AS" + "IA" + "ABCDEFGH12345678", "an AWS access key"),
    "Google": ("AI" + "za" + MIXED[:35], "an API key"),
    "OpenAI": ("sk" + "-" + MIXED[:48], "an API key"),
    "OpenAI, of a project": ("sk" + "-proj-" + MIXED[:60], "an API key"),
    "Anthropic": ("sk" + "-ant-api03-" + MIXED[:93], "an API key"),
    "Stripe": ("sk" + "_live_" + MIXED[:24], "an API key"),
    "GitHub": ("gh" + "p_" + MIXED[:36], "a GitHub token"),
    "GitHub, fine-grained": ("github" + "_pat_" + MIXED[:22] + "_" + MIXED[:59], "a GitHub token"),
    "GitLab": ("gl" + "pat-" + MIXED[:20], "an API key"),
    "Slack": ("xo" + "xb-123456789012-" + MIXED[:24], "a Slack token"),
    "Hugging Face": ("h" + "f_" + "abCdeFghIj" * 3 + "abCd", "an API key"),
    "Groq": ("gs" + "k_" + MIXED[:52], "an API key"),
    "a LiveKit pair": (f"API{MIXED[:12]}:{MIXED[:43]}", "a LiveKit secret"),
    "a URL": ("postgres://admin:s3cr3t-pw@db.example.com/x", "a URL with a password"),
}
NAMED = {
    "password": ("hunter2", "a password"),
    "db_password": ("correct-horse", "a password"),
    "userPwd": ("hunter2", "a password"),
    "passphrase": ("correct-horse", "a password"),
    "apiKey": (MIXED[:32], "a secret ('apiKey')"),
    "OPENAI_API_KEY": (MIXED[:32], "a secret ('OPENAI_API_KEY')"),
    "client_secret": (MIXED[:24], "a secret ('client_secret')"),
    "livekit.api.secret": (MIXED[:43], "a secret ('livekit.api.secret')"),
    "access-token": (MIXED[:40], "a secret ('access-token')"),
    "refreshToken": ("d3b07384d113edec49eaa6238ad5ff00", "a secret ('refreshToken')"),
    "secretAccessKey": (MIXED[:40], "a secret ('secretAccessKey')"),
}
INNOCENT = {
    "a user ID": f'{{"userId":"{ID}"}}',
    "words": '{"source":"chrome_extension","capabilities":["keyboard","password-free login"]}',
    "a placeholder": '{"password":"${PASSWORD}","passwd":"<password>","apiKey":"YOUR_API_KEY","pwd":"******"}',
    "an absent one": '{"password":"","apiKey":null,"secret":false,"token":5}',
    "about a password": '{"resetPassword":"https://x.example","hasPassword":"maybe","password":"required"}',
    "a folder": '{"pwd":"/home/alice"}',
    "a public key": json.dumps({"publicApiKey": MIXED[:32], "publicKey": MIXED[:43]}),
    "a LiveKit key": json.dumps({"apiKey": "API" + MIXED[:12]}),
    "a hash": json.dumps({"sha256": "0a" * 32, "etag": MIXED[:43]}),
    "an ID": json.dumps(dict.fromkeys(("sessionId", "key", "token"), MIXED[:24])),
    "a UUID": '{"accessToken":"123e4567-e89b-12d3-a456-426614174000"}',
    "a secret that is a word": '{"secret":"the butler did it","encryptionKey":"none"}',
    "a slug": '{"page":"sk-learn-tutorial-for-beginners-2026","task-list":"risk-adjusted-2026-plan"}',
    "the beginning of a JWT": '{"a":"eyJhbGciOiJIUzI1NiJ9","b":"eyJ.eyJ.x"}',
    "a certificate": "-----BEGIN CERTIFICATE-----",
    "a public PEM": "-----BEGIN PUBLIC KEY-----",
    "a URL": '{"url":"https://example.com:8080/@alice","mail":"mailto:a@b.example","ws":"wss://x.livekit.cloud"}',
    "a URL with a user": '{"url":"https://alice@example.com/"}',
    "a product code": '{"code":"AKIA","asia":"ASIA","sku":"ASIAPACIFIC"}',
    "an amount": '{"hf_rate":"5","ghost_town":"x","gsk_plc":"pharma"}',
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("place", ["metadata", "JSON", "encoded twice", "attribute", "a room", "an agent"])
def test_shapes(name: str, place: str) -> None:
    """Each is found wherever it stands, once, and is not shown."""
    secret, what = SHAPES[name]
    text = json.dumps({"note": secret})
    places: dict[str, dict[str, Any]] = {
        "metadata": {"metadata": secret},
        "JSON": {"metadata": text},
        "encoded twice": {"metadata": json.dumps(text)},
        "attribute": {"attributes": {"note": secret}},
        "a room": {"roomConfig": {"metadata": text}},
        "an agent": {"roomConfig": {"agents": [{"agent_name": "x", "metadata": text}]}},
    }
    [finding] = [finding for finding in read(token(**places[place])).findings if finding.id == "L29"]
    assert finding.severity.value == "security"
    assert finding.message.endswith(f" holds what looks like {what}")
    assert secret[-12:] not in finding.message + finding.hint


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("place", ["JSON", "within", "encoded twice", "attribute", "an agent"])
def test_names(name: str, place: str) -> None:
    """What stands under a name that says so is found, and not shown."""
    value, what = NAMED[name]
    text = json.dumps({name: value, "b": 1})
    places: dict[str, dict[str, Any]] = {
        "JSON": {"metadata": text},
        "within": {"metadata": f'{{"a": [{text}]}}'},
        "encoded twice": {"metadata": json.dumps(text)},
        "attribute": {"attributes": {name: value}},
        "an agent": {"roomConfig": {"agents": [{"agentName": "x", "attributes": {name: value}}]}},
    }
    [finding] = [finding for finding in read(token(**places[place])).findings if finding.id == "L29"]
    assert finding.message.endswith(f" holds what looks like {what}")
    assert value not in finding.message + finding.hint


@pytest.mark.parametrize("name", INNOCENT)
def test_innocent(name: str) -> None:
    """No false alarm, in metadata and in attributes."""
    text = INNOCENT[name]
    assert "L29" not in ids(read(token(metadata=text)))
    flat = json.loads(text) if text.startswith("{") else {"x": text}
    attributes = {key: value for key, value in flat.items() if isinstance(value, str)}
    assert "L29" not in ids(read(token(attributes=attributes)))


def test_the_name_of_an_attribute_that_is_a_secret() -> None:
    """Is not shown either."""
    [finding] = read(token(attributes={JWT: JWT})).findings
    assert (finding.id, finding.message) == ("L29", "the name of an attribute holds what looks like another JWT")


def test_findings_are_few() -> None:
    """However many secrets there are."""
    attributes = {f"password{number}": "x" for number in range(50)} | {f"{n}password": "hunter2" for n in range(50)}
    assert len([f for f in read(token(attributes=attributes)).findings if f.id == "L29"]) == 5


S3 = {"access_key": "k", "secret": "hunter2", "bucket": "b"}
LEAKING: dict[str, tuple[dict[str, Any], str]] = {
    "fileOutputs": ({"room": {"fileOutputs": [{"s3": S3}]}}, "egress.room.fileOutputs[].s3.secret"),
    "file_outputs": ({"room": {"file_outputs": [{"s3": S3}]}}, "egress.room.file_outputs[].s3.secret"),
    "segmentOutputs": ({"room": {"segmentOutputs": [{"aliOSS": S3}]}}, "segmentOutputs[].aliOSS.secret"),
    "imageOutputs": ({"room": {"imageOutputs": [{"gcp": {"credentials": "hunter2"}}]}}, "gcp.credentials"),
    "azure": ({"participant": {"fileOutputs": [{"azure": {"accountKey": "hunter2"}}]}}, "azure.accountKey"),
    "account_key": ({"participant": {"segment_outputs": [{"azure": {"account_key": "hunter2"}}]}}, "account_key"),
    "tracks": ({"tracks": {"filepath": "x", "s3": S3}}, "egress.tracks.s3.secret"),
    "file, which the server passes over": ({"room": {"file": {"filepath": "x", "s3": S3}}}, "room.file.s3.secret"),
    "segments": ({"room": {"segments": {"s3": {"sessionToken": "hunter2"}}}}, "segments.s3.sessionToken"),
    "a proxy": ({"tracks": {"s3": {"proxy": {"password": "hunter2"}}}}, "s3.proxy.password"),
    "an unknown place": ({"nonsense": {"SECRET": "hunter2"}}, "egress.nonsense.SECRET"),
    "streamOutputs": ({"room": {"streamOutputs": [{"urls": ["rtmp://x/hunter2"]}]}}, "egress.room.streamOutputs"),
    "stream_outputs": ({"room": {"stream_outputs": [{"urls": ["rtmp://x/hunter2"]}]}}, "egress.room.stream_outputs"),
    "stream": ({"room": {"stream": {"urls": ["rtmp://x/hunter2"]}}}, "egress.room.stream"),
}


@pytest.mark.parametrize("name", LEAKING)
def test_egress(name: str) -> None:
    """Each form is found, with its place, and without the secret."""
    egress, place = LEAKING[name]
    [finding] = [finding for finding in read(token(roomConfig={"egress": egress})).findings if finding.id == "L25"]
    assert (finding.severity.value, place in finding.message) == ("security", True)
    assert "hunter2" not in finding.message + finding.hint


KEEPING: list[dict[str, Any]] = [
    {},
    {"room": None, "tracks": None},
    {"room": {"fileOutputs": [{"filepath": "x"}]}},
    {"room": {"fileOutputs": [{"s3": {"bucket": "b", "secret": "", "region": "eu"}}]}},
    {"room": {"fileOutputs": [{"s3": {"bucket": "b", "secret": None}}], "streamOutputs": []}},
    {"room": {"layout": "speaker", "stream": None, "customBaseUrl": "https://x.example"}},
    {"participant": {"segmentOutputs": [{"gcp": {"bucket": "secret"}}]}},
]


@pytest.mark.parametrize("egress", KEEPING)
def test_egress_without_secrets(egress: dict[str, Any]) -> None:
    """A bucket is no secret."""
    assert ids(read(token(roomConfig={"egress": egress}))) == {}


HOSTILE = {
    "beginnings of JWTs": "eyJ" * 150_000,
    "words that begin like JWTs": "eyJaaaaaaaaaa " * 35_000,
    "parts of JWTs": "eyJaaaaaaaaaa." * 35_000,
    "a long first part": "eyJ" + "a" * 500_000,
    "quotes": '"' * 500_000,
    "names": '"password"' * 50_000,
    "names and blanks": ('"password"' + " " * 50) * 8_000,
    "passwords": '"password":"hunter2",' * 25_000,
    "long values": ('"secret":"' + "a" * 399 + '",') * 1_200,
    "backslashes": '"password\\\\\\' * 40_000,
    "URLs": "://a:" * 100_000,
    "users": "://" + "a" * 500_000,
    "keys": "API0123456789 " * 35_000,
    "sk-": "sk-aa-aa-" * 55_000,
    "PEM": "-----BEGIN " * 45_000 + "PRIVATE KEY",
    "Slack": "xoxb-123456-" * 40_000,
    "everything": "eyJ AKIA ASIA AIza sk- k_live_ ghp_ xox hf_ gsk_ glpat- API :// PRIVATE KEY " * 6_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_half_a_megabyte(name: str) -> None:
    """The time is linear: a fraction of a second, where a quadratic search would take hours."""
    text = HOSTILE[name]
    judged = read(token(metadata=text), now=NOW)
    started = time.process_time()
    again = read(token(metadata=text), now=NOW)
    assert again.findings == judged.findings
    assert time.process_time() - started < 5
