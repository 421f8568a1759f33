"""`python -m dataeff_core`."""

import sys

from dataeff_core.cli import main

sys.exit(main())
