"""`python -m dataeff_core`."""

import sys

from dataeff_core.cli import main

if __name__ == "__main__":  # worker processes import this module again under another name
    sys.exit(main())
