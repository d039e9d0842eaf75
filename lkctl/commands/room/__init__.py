"""`lkctl room`: one module a command; only the one that is called is imported."""

VERBS = {
    "create": "Create a room, and report which of your wishes the server applied",
    "list": "List the rooms of the server",
    "inspect": "Show a room whole: participants, tracks, dispatches with a verdict, and the user ID an agent would use",
    "update": "Change a room's metadata, never over somebody else's change",
    "delete": "Delete a room and put everybody in it out",
    "wait": "Wait until something holds of a room",
    "watch": "Show what changes in a room, as it happens",
}
