"""``python -m pyrdpmux`` is ``pyrdpmux``."""

import sys

from pyrdpmux.cli import main

if __name__ == "__main__":
    sys.exit(main())
