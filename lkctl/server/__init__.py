"""Edges to a LiveKit server. Each owns one way of talking to it; `http` is the one that the others share."""
