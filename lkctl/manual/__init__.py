"""The manual: every command as `--help`, `lkctl help --json`, the man pages and the README's reference tell it.

All of them are made from the command tree itself, so that none can drift from it.
"""
