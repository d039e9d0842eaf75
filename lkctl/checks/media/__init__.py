"""The path of media: what the server tells its clients of it, and whether it leads there. In a throw-away room."""
