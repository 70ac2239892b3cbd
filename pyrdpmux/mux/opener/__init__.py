"""``pyrdpmux-opener``: a small process that may read everybody's files, so that the daemon need not.

It knows three requests (:mod:`.protocol`), checks everything on the descriptor that it has opened
(:mod:`.opening`), and passes that on; :mod:`.client` is the daemon's end. It imports next to nothing.
"""
