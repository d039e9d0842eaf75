"""Presets of grants."""

import pytest

from lkctl.errors import LkctlError
from lkctl.tokens.claims import GROUPS, KINDS
from lkctl.tokens.roles import ROLES, find_role


def test_the_roles_there_are() -> None:
    """In the order in which they are told."""
    assert list(ROLES) == ["participant", "viewer", "publisher", "agent", "recorder", "admin", "room-admin", "none"]


@pytest.mark.parametrize("name", ROLES)
def test_roles_are_made_of_known_grants(name: str) -> None:
    """A role with a misspelt grant would be worthless."""
    role = find_role(name)
    assert set(role.video) <= set(GROUPS["video"].fields)
    assert role.kind in {None, *KINDS}
    assert role.help
    assert not role.help.endswith(".")


@pytest.mark.parametrize(("name", "meant"), [("room_admin", "room-admin"), ("viewr", "viewer"), ("Agent", "agent")])
def test_a_near_miss_is_told(name: str, meant: str) -> None:
    """And all the roles there are."""
    with pytest.raises(LkctlError) as caught:
        find_role(name)
    assert caught.value.code == "usage"
    assert f"Did you mean {meant}?" in caught.value.hint
    assert "room-admin, none" in caught.value.hint
