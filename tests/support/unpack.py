"""Packages of Debian, unpacked into a folder of their own and never installed,
because they take each other's place or start services."""

import subprocess
from pathlib import Path

APT = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root"]


def installed(package):
    """Under its own name, and not only removed."""
    r = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package],
        capture_output=True, text=True)
    return r.returncode == 0 and r.stdout[1:2] == "i"


def download(folder, wanted):
    for attempt in (1, 2):
        r = subprocess.run([*APT, "download", *wanted], cwd=folder,
                           stdin=subprocess.DEVNULL)
        if r.returncode == 0:
            return True
        if attempt == 1:
            print("The lists of packages are old or absent: apt-get update",
                  flush=True)
            subprocess.run([*APT, "update"], stdin=subprocess.DEVNULL,
                           check=False)
    return False


def unpack(folder, wanted):
    """Download and unpack into folder/root what is not there yet.  That
    folder, or None where a package cannot be had."""
    folder = Path(folder).resolve()
    root = folder / "root"
    lacking = [p for p in wanted if not (folder / "done" / p).exists()]
    if not lacking:
        return root
    print("Will be downloaded and unpacked (not installed):",
          ", ".join(lacking), flush=True)
    (folder / "done").mkdir(parents=True, exist_ok=True)
    if not download(folder, lacking):
        return None
    for deb in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", deb, root], check=True)
        deb.unlink()
    for p in lacking:
        (folder / "done" / p).touch()
    return root
