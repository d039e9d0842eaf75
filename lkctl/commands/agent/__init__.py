"""`lkctl agent`: one module a command; only the one that is called is imported."""

VERBS = {
    "resolve": "Tell which user ID an agent in this room would use, and why",
    "simulate": "Play an agent in a room: join hidden, wait as an agent must, and tell the user ID it gets",
    "launch": "Run a real agent for one room, see it there, and tell which user ID it used",
    "serve": "Answer a browser extension's connection with a room, a token and an agent of its own",
}
