"""The README's tour says what a newcomer will see."""

from pathlib import Path

import pytest

from lkctl.localserver.process import LocalServer
from tests.harness import SECRETS
from tests.tour import README, blocks, played


@pytest.mark.live
def test_the_tour_is_true(livekit_server: LocalServer, tmp_path: Path) -> None:
    """Every command of the tour, run in order, prints what the README shows. Rewrite: python -m tests.tour."""
    SECRETS.add(livekit_server.secret.reveal())
    text = README.read_text()
    assert len(blocks(text)) == 3
    assert played(text, livekit_server, tmp_path) == text
