"""Checks: data about what can be judged, and the engine that runs them."""
