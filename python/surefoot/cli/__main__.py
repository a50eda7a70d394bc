"""``python -m surefoot.cli``."""

import sys

from . import main

sys.exit(main())
