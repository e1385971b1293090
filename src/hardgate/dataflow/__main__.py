"""`python -m hardgate.dataflow --rules FILE FOLDER`: the findings of the Python files below a folder, as JSON."""

from __future__ import annotations

import sys

from hardgate.dataflow.report import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.buffer))
