"""LiveKit access tokens, treated as the server treats them: mint, decode, judge, lint.

    from lkctl.settings.shape import Pair
    from lkctl.tokens.decode import decode
    from lkctl.tokens.mint import TokenRequest, mint

    pair = Pair("mine", key, secret)
    minted = mint(TokenRequest(identity="alice", room="demo"), pair, now=time.time(), entropy=os.urandom)
    decoded = decode(minted.token, pair, now=time.time())

Everything here is pure: clock, randomness and secrets are handed in, and no SDK is imported.
"""
