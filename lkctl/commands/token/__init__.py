"""`lkctl token`: one module a command; only the one that is called is imported."""

VERBS = {
    "mint": "Mint an access token, or many",
    "decode": "Read what is in a token, and say whether it is any good",
    "verify": "Check a token against what it must be, and against a real server",
}
