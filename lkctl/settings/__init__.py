"""URL, key and secret: the layers they come from, and the judgement of what they look like."""
