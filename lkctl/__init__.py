"""lkctl, the verifier for LiveKit.

A library too: `lkctl.userid` (which user ID will an agent use), `lkctl.tokens` (mint and judge tokens),
`lkctl.webhooks` (judge deliveries), `lkctl.agents` (an agent finds its user), `lkctl.testing` (pytest fixtures: a real
throw-away server). Importing `lkctl` loads none of them; each is loaded when it is used.
"""

__version__ = "0.1.0"
__all__ = ["__version__", "agents", "testing", "tokens", "userid", "webhooks"]


def __getattr__(name: str) -> object:
    if name in __all__:
        import importlib

        return importlib.import_module(f"lkctl.{name}")
    raise AttributeError(f"module 'lkctl' has no attribute {name!r}")
