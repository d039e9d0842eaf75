"""`lkctl participant`: one module a command; only the one that is called is imported."""

VERBS = {
    "list": "List who is in a room, agents and hidden participants too, in the order of joining",
    "inspect": "Show one participant whole: state, permissions, attributes, tracks",
    "update": "Change a participant's metadata, name, attributes or permissions",
    "remove": "Put a participant out of a room",
    "move": "Move a participant to another room",
    "forward": "Forward a participant to another room, so that it is in both",
}
