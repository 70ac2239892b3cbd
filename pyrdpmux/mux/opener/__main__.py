"""``python -m pyrdpmux.mux.opener``: the same as the console script."""

import sys

from pyrdpmux.mux.opener.server import main

sys.exit(main())
