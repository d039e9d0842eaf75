"""How tracks and permissions are put into a table."""

import pytest

from lkctl.models import Layer, Permission, Track
from lkctl.scenarios.tracks import Published
from lkctl.views.participants import permission_words
from lkctl.views.tracks import tracks_view

HIGH, LOW = Layer("HIGH", 1280, 720, 1_700_000), Layer("LOW", 320, 180, 160_000)

CELLS = [
    pytest.param("CODEC", Track(), "", id="no codec yet"),
    pytest.param("CODEC", Track(mime_type="video/VP8", codecs=("video/VP8",)), "VP8", id="one codec"),
    pytest.param("CODEC", Track(mime_type="video/VP9", codecs=("video/VP9", "video/VP8", "")), "VP9, VP8", id="backup"),
    pytest.param("CODEC", Track(mime_type="audio/opus", encryption="GCM"), "opus (GCM encrypted)", id="encrypted"),
    pytest.param("SIZE", Track(type="AUDIO"), "", id="no size"),
    pytest.param("SIZE", Track(width=640, height=360), "640x360", id="size"),
    pytest.param("LAYERS", Track(), "", id="no layers"),
    pytest.param("LAYERS", Track(layers=(Layer("HIGH"),)), "HIGH", id="layer of no size"),
    pytest.param(
        "LAYERS",
        Track(simulcast=True, layers=(LOW, HIGH)),
        "simulcast: HIGH 1280x720 1.7 Mb/s, LOW 320x180 160 kb/s",
        id="best layer first",
    ),
]


@pytest.mark.parametrize(("title", "track", "cell"), CELLS)
def test_cells(title: str, track: Track, cell: str) -> None:
    column = next(column for column in tracks_view([]).columns if column.title == title)
    assert column.cell(Published("alice", track)) == cell


MAY = [
    pytest.param(Permission(hidden=True), "nothing", id="nothing"),
    pytest.param(Permission(can_publish=True, can_subscribe=True, can_publish_data=True), "pub sub data", id="usual"),
    pytest.param(
        Permission(can_publish=True, can_publish_sources=("CAMERA", "MICROPHONE")),
        "pub:camera/microphone",
        id="sources",
    ),
    pytest.param(Permission(can_publish_sources=("CAMERA",)), "nothing", id="sources, but no publishing"),
    pytest.param(Permission(can_update_metadata=True, can_subscribe_metrics=True), "metadata metrics", id="seldom"),
]


@pytest.mark.parametrize(("permission", "words"), MAY)
def test_permission_words(permission: Permission, words: str) -> None:
    assert permission_words(permission) == words
