"""Who was seen in a room, in words."""

from collections.abc import Sequence

from lkctl.dispatch import agent_names
from lkctl.models import Participant
from lkctl.scenarios.headcount import those_there
from lkctl.scenarios.look import Look
from lkctl.tokens.document import shown

_MOST_NAMED = 5


def agents_in(look: Look) -> list[Participant]:
    """Give the agents that are in the room; one that is still joining is not."""
    return [one for one in look.participants if one.is_agent and one.state == "ACTIVE"]


def say_agents(look: Look) -> str:
    """Say which agents are there, instead of the one that is awaited."""
    agents = [one for one in those_there(look.participants) if one.is_agent]
    said = [
        f"{shown(one.identity)} ({' or '.join(map(shown, sorted(agent_names(one) - {''}))) or 'unnamed'}, {one.state})"
        for one in agents
    ]
    return f"of the agents there is {listed(said)}" if said else f"no agent; {say_people(look.participants)}"


def say_people(people: Sequence[Participant]) -> str:
    """Say who is there."""
    said = [f"{shown(one.identity)} ({one.kind}, {one.state})" for one in those_there(people)]
    return f"{len(said)} in the room: {listed(said)}" if said else "nobody is in the room"


def listed(said: Sequence[str]) -> str:
    """Put words into a list that stays readable."""
    more = len(said) - _MOST_NAMED
    return ", ".join(said[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
