"""``python -m pyrdpmux.mux.libvirt``: the same as the console script."""

import sys

from pyrdpmux.mux.libvirt.helper import main

sys.exit(main())
