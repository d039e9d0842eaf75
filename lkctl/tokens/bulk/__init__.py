"""Minting many tokens: what rows have in common is worked out once, and each row is judged all the same."""
