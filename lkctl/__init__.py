"""lkctl, the verifier for LiveKit.

A library too: `lkctl.userid` (which user ID will an agent use), `lkctl.tokens` (mint and judge tokens),
`lkctl.testing` (pytest fixture with a real throw-away server). Importing `lkctl` loads none of them.
"""

__version__ = "0.1.0"
