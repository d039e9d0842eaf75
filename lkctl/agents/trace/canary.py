"""Canaries: a user ID of its own for each source, so that whatever an agent shows tells which source it used."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lkctl.convention import METADATA_KEY, make_user_id, metadata_text, room_of
from lkctl.models import AgentRequest, RoomRequest
from lkctl.tokens.minting import TokenRequest
from lkctl.userid import ENV_NAME

# By the names of lkctl.userid.SOURCES, the strongest of the standard order first
CARRIERS: Final = (
    "participant.metadata",
    "room.metadata",
    "room.name",
    "env",
    "participant.attributes",
    "participant.identity",
    "job.metadata",
)
_FROM_MS, _TO_MS = 1_577_836_800_000, 1_704_067_200_000  # 2020 to 2024: no clock of today says such a number
_CREATOR: Final = {"createdBy": "chrome_extension"}


@dataclass(frozen=True, slots=True)
class Canaries:
    """One user ID of the convention for each of CARRIERS; no two share their number or their tail.

    The ID stands in metadata and attributes under the key `userId`, in the room's name by the convention, and is the
    identity and the environment variable itself.
    """

    values: Mapping[str, str]

    @classmethod
    def new(cls) -> "Canaries":
        """Make fresh ones."""
        start, step = _FROM_MS + secrets.randbelow(10**9), (_TO_MS - _FROM_MS) // (len(CARRIERS) + 1)
        ids = [make_user_id(start + step * number, secrets.randbelow) for number in range(len(CARRIERS))]
        return cls(MappingProxyType(dict(zip(CARRIERS, ids, strict=True))))

    @property
    def room_name(self) -> str:
        """The name of the scratch room."""
        return room_of(self.values["room.name"])

    @property
    def room_metadata(self) -> str:
        """The metadata of the room, as the extension's server writes it."""
        return self._metadata("room.metadata", "timestamp")

    @property
    def participant_identity(self) -> str:
        """The identity of the visitor."""
        return self.values["participant.identity"]

    @property
    def participant_metadata(self) -> str:
        """The metadata of the visitor."""
        return metadata_text({METADATA_KEY: self.values["participant.metadata"], "source": "chrome_extension"})

    @property
    def participant_attributes(self) -> dict[str, str]:
        """The attributes of the visitor."""
        return {METADATA_KEY: self.values["participant.attributes"]}

    @property
    def job_metadata(self) -> str:
        """The metadata of the dispatch."""
        return self._metadata("job.metadata", "timestamp")

    @property
    def environment(self) -> dict[str, str]:
        """What is to be added to the agent's environment."""
        return {ENV_NAME: self.values["env"]}

    def room(self, agent_name: str) -> RoomRequest:
        """Ask for the scratch room; it dispatches only this agent and does not outlive it for long."""
        return RoomRequest(
            self.room_name,
            metadata=self.room_metadata,
            empty_timeout=20,
            departure_timeout=5,
            agents=(AgentRequest(agent_name, self.job_metadata),),
        )

    def visitor(self) -> TokenRequest:
        """Ask for the token of the standard participant that must be in the room."""
        return TokenRequest(
            identity=self.participant_identity,
            room=self.room_name,
            metadata=self.participant_metadata,
            attributes=self.participant_attributes,
            ttl=600,
        )

    def found_in(self, text: str) -> dict[str, str]:
        """Give what stands in a text of each canary, by source: the whole ID, else what is there of it.

        The whole is told from a part, which is the number or the tail of the ID, in whatever case: a script may cut it.
        """
        words = {word.lower(): word for word in re.findall(r"[0-9A-Za-z]{12,}", text)}
        found = {source: self._seen(value, text, words) for source, value in self.values.items()}
        return {source: seen for source, seen in found.items() if seen}

    @staticmethod
    def _seen(value: str, text: str, words: Mapping[str, str]) -> str:
        parts = [words[part] for part in value.split("_")[1:] if part in words]
        whole = parts and re.search(rf"(?<![0-9A-Za-z]){value}(?![0-9A-Za-z])", text)
        return value if whole else " ".join(parts)

    def _metadata(self, source: str, stamp: str) -> str:
        value = self.values[source]
        return metadata_text({METADATA_KEY: value, **_CREATOR, stamp: int(value.split("_")[1])})
