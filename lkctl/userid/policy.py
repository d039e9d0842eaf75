"""How to search: which sources in which order, under which keys and patterns, how strictly."""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lkctl.convention import METADATA_KEY, ROOM_PREFIX, USER_ID_FORM
from lkctl.userid.paths import KeyPath, parse_path, split_keys
from lkctl.userid.patterns import parse_pattern

STANDARD: Final = ("participant.metadata", "room.metadata", "room.name", "env", "random")
SOURCES: Final = (*STANDARD, "participant.attributes", "participant.identity", "job.metadata", "job.attributes")

DEFAULT_KEY: Final = METADATA_KEY
DEFAULT_ROOM_PATTERN: Final = ROOM_PREFIX + "{userId}"
DEFAULT_IDENTITY_PATTERN: Final = rf"\A(?P<user_id>{USER_ID_FORM})\Z"


def _check_order(order: tuple[str, ...]) -> None:
    if not isinstance(order, tuple) or not order:
        raise ValueError("order names no source; give at least one of: " + ", ".join(SOURCES))
    for name in order:
        if name not in SOURCES:
            raise ValueError(f"order names {name!r}, which is no source; choose from: {', '.join(SOURCES)}")
    if len(set(order)) < len(order):
        raise ValueError(f"order names a source twice: {', '.join(order)}")


def _check_keys(keys: tuple[str, ...]) -> None:
    if not isinstance(keys, tuple) or not keys:
        raise ValueError(f"keys must be a tuple of at least one key, such as {DEFAULT_KEY}, not {keys!r}")
    for key in keys:
        parse_path(key)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one search; ValueError for an unknown source, a malformed key or pattern.

    `order` holds names of SOURCES, the strongest first; those left out are off. `attribute_keys` None: participant
    attributes are read under `keys` too, as flat names.
    """

    order: tuple[str, ...] = STANDARD
    keys: tuple[str, ...] = (DEFAULT_KEY,)
    attribute_keys: tuple[str, ...] | None = None
    room_pattern: str = DEFAULT_ROOM_PATTERN
    identity_pattern: str = DEFAULT_IDENTITY_PATTERN
    strict: bool = False
    require_trusted: bool = False
    decode_nested: bool = False

    def __post_init__(self) -> None:
        """Refuse what no search could use."""
        _check_order(self.order)
        _check_keys(self.keys)
        if self.attribute_keys is not None:
            _check_keys(self.attribute_keys)
        for pattern in (self.room_pattern, self.identity_pattern):
            parse_pattern(pattern)

    @property
    def paths(self) -> tuple[KeyPath, ...]:
        """The keys, for metadata."""
        return tuple(map(parse_path, self.keys))

    @property
    def names(self) -> tuple[KeyPath, ...]:
        """The keys, for the attributes of the job."""
        return tuple(path.flat() for path in self.paths)

    @property
    def participant_names(self) -> tuple[KeyPath, ...]:
        """The keys, for the attributes of a participant."""
        keys = self.keys if self.attribute_keys is None else self.attribute_keys
        return tuple(parse_path(key).flat() for key in keys)


PRESETS: Final = MappingProxyType(
    {
        "standard": Policy(),
        "metadata-only": Policy(order=("participant.metadata", "room.metadata", "random")),
        "dispatch": Policy(
            order=(
                "job.metadata",
                "participant.attributes",
                "participant.metadata",
                "participant.identity",
                "room.metadata",
                "room.name",
                "env",
                "random",
            ),
        ),
        "phone": Policy(order=("participant.attributes", *STANDARD), attribute_keys=("sip.phoneNumber",)),
    },
)


def build_policy(  # noqa: PLR0913  (one per flag, all by keyword)
    preset: str = "standard",
    *,
    order: str | None = None,
    keys: str | None = None,
    room_pattern: str | None = None,
    identity_pattern: str | None = None,
    random: bool = True,
    strict: bool = False,
    require_trusted: bool = False,
    decode_nested: bool = False,
) -> Policy:
    """Make a policy from a preset and what a command line changes in it; lists are separated by commas.

    ValueError says what is unknown or malformed.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r} is unknown; choose one of: {', '.join(PRESETS)}")
    base = PRESETS[preset]
    wanted = base.order if order is None else tuple(name.strip() for name in order.split(","))
    return replace(
        base,
        order=wanted if random else tuple(name for name in wanted if name != "random"),
        keys=base.keys if keys is None else split_keys(keys),
        room_pattern=base.room_pattern if room_pattern is None else room_pattern,
        identity_pattern=base.identity_pattern if identity_pattern is None else identity_pattern,
        strict=strict,
        require_trusted=require_trusted,
        decode_nested=decode_nested,
    )
