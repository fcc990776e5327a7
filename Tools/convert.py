"""Converts a Keras or torchvision model into a flat weight file that Prism reads.

    python3 Tools/convert.py SOURCE --output FILE [--labels FILE|a,b,c] [--help]

Needs the packages of Tools/requirements.txt; nothing of a file is executed, and torch is needed for --verify alone.
"""

import sys

from prism_convert.cli import main

if __name__ == "__main__":
    sys.exit(main())
