"""What the interpreter's profile is taken from: it starts, and imports what the program imports on its way to a URL."""

import subprocess
import sys

STARTS = 40
IMPORTS = "import os, time, typing, collections.abc, functools, datetime, _sha2"

for _ in range(STARTS):
    subprocess.run([sys.executable, "-I", "-S", "-c", IMPORTS], check=True)
