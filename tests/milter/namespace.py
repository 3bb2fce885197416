"""A program with a name server of its own, in namespaces of its own: what
libresolv asks is 127.0.0.1, port 53, and nobody else's.

    unshare -n -m python3 namespace.py ZONE ZONE-FILE RESOLV.CONF PROGRAM ...
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.dns import DnsServer		# noqa: E402
from support.network import loopback_up		# noqa: E402

zone, text, resolv, *program = sys.argv[1:]
loopback_up()
subprocess.run(["mount", "--make-rprivate", "/"], check=True)
subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)
with DnsServer(port=53) as dns:
    dns.zone(zone, Path(text).read_text())
    sys.exit(subprocess.run(program).returncode)
