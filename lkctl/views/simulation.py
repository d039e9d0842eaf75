"""How a simulation looks that is not carried out."""

from lkctl.agents.presence import Stay
from lkctl.agents.simulation import say_wait
from lkctl.output.view import Record
from lkctl.userid.readiness import Patience


def plan_view(stay: Stay, patience: Patience, *, exists: bool, follow: bool) -> Record:
    """Show what would be done; times in seconds."""
    document = {
        "room": stay.room,
        "room_exists": exists,
        "hidden": stay.hidden,
        "wait_for_user_s": patience.limit if patience.fixed is None else None,
        "wait_s": patience.fixed,
        "publish": stay.publish,
        "follow": follow,
    }
    doing = [
        "" if exists else "make the room, and remove it in the end",
        f"join {'hidden' if stay.hidden else 'visibly'}, as an agent",
        f"wait {say_wait(patience)}",
        "decide",
        "set the result as own attributes" if stay.publish else "",
        "follow later changes" if follow else "",
        "leave",
    ]
    fields = (("room", stay.room), ("would", "; ".join(filter(None, doing))))
    return Record(document, fields, stay.room)
