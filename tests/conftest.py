"""How Hypothesis behaves, and that this machine's own configuration is none of the tests' business."""

import os

from hypothesis import settings

# Commands without --config would read /etc/pyrdpmux/pyrdpmux.toml.
os.environ["PYRDPMUX_CONFIG"] = "/nowhere/pyrdpmux.toml"

# ``deadline``: a busy machine is no mistake. ``derandomize``: what fails, fails in the next run too, on every
# machine; so there is nothing to remember between runs, and no database in the tree.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
# pytest --hypothesis-profile=searching: other examples in every run, to look for what was never tried.
settings.register_profile("searching", deadline=None, database=None)
settings.load_profile("repeatable")
