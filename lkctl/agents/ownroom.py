"""A room that we make for a while: known as ours by the dispatch of an agent name that nobody else has.

`create_room` on a room that exists gives that one, and ignores the agents that were asked for (measured on
livekit-server 1.13.5). So only the room that we made has our dispatch; and once it is known, its SID says it, too: a
room of the same name that came after it is another one.
"""

from lkctl.models import Room
from lkctl.server.api import Api


def made_by_us(api: Api, room: Room, agent_name: str) -> bool:
    """Whether a room that `create_room` gave was made by that call, which asked for an agent of this unique name."""
    return any(one.agent_name == agent_name for one in api.list_dispatches(room.name))


def delete_own(api: Api, name: str, agent_name: str, sid: str = "") -> bool:
    """Delete our room, and say whether it was there; one that somebody else made stays.

    `sid` "": it is not known whether we have made it, because the answer to `create_room` never came.
    """
    room = api.find_room(name)
    if room is None or not (room.sid == sid if sid else made_by_us(api, room, agent_name)):
        return False
    api.delete_room(name)
    return True
