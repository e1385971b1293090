"""`python -m hardgate.rego LIBRARY --policy FOLDER --input FILE ...`: what the policies say of the inputs, as JSON."""

from __future__ import annotations

import sys

from hardgate.rego.report import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.buffer))
