"""The agent manager: a service that gives each browser extension that connects a room, a token and an agent."""
