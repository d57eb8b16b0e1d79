"""Becomes the program that is named by the arguments: `python byom_exec.py PROGRAM ARGUMENT…`."""

import os
import sys

os.execvp(sys.argv[1], sys.argv[1:])
