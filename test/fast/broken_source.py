"""A broken source: runs the connector of its arguments and writes the number `total` as a string."""

import re
import subprocess
import sys

process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
for line in process.stdout:
    if line.startswith('{"type":"RECORD"'):
        line = re.sub(r'("total":)([0-9.]+)', r'\1"\2"', line, count=1)
    sys.stdout.write(line)
sys.exit(process.wait())
