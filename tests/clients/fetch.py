"""fetch.py FOLDER: unpack there, and install nothing of, what brings services
to its host: fetchmail, PHP with Roundcube, which wants a web server and a data
base of its own, and Chromium, whose desktop wants dbus and systemd.  `make
check-clients` calls this."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.unpack import APT, unpack				# noqa: E402

# With the libraries that they are linked with.
PROGRAMS = ["fetchmail", "php8.2-cli", "php8.2-common", "php8.2-intl",
            "php8.2-mbstring", "php8.2-sqlite3", "php8.2-xml"]
# Of these only the libraries that they cannot do without.
CHROMIUM = ["chromium", "chromium-common", "chromium-driver"]
NO_LIBRARIES = ["x11-utils", "xdg-utils"]
# Files alone.
ROUNDCUBE = [
    "roundcube-core", "roundcube-sqlite3", "php-pear", "php-auth-sasl",
    "php-mail-mime", "php-net-smtp", "php-net-socket", "php-net-sieve",
    "php-masterminds-html5", "php-guzzlehttp-guzzle",
    "php-guzzlehttp-promises", "php-guzzlehttp-psr7", "php-psr-http-client",
    "php-psr-http-factory", "php-psr-http-message", "php-getallheaders",
    "php-symfony-deprecation-contracts", "libjs-bootstrap4",
    "libjs-codemirror", "libjs-jquery", "libjs-jquery-minicolors",
    "libjs-jquery-ui", "libjs-jstimezonedetect"]


def libraries_of(packages):
    """What they depend on, but for what is one of several that would do."""
    r = subprocess.run(["apt-cache", "depends", "--important", *packages],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True)
    found = re.findall(r"^  Depends: ([^<\s]+)$", r.stdout, re.M)
    return sorted(set(found) - set(packages) - set(NO_LIBRARIES))


def needed_too():
    """What apt would install for them: what the host has not.  What it would
    renew is left out, and the host's own serves."""
    r = subprocess.run([*APT, "-s", "install", "--no-install-recommends",
                        "--no-remove", *PROGRAMS, *libraries_of(CHROMIUM)],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True)
    return [] if r.returncode else re.findall(r"^Inst (\S+) \(",
                                              r.stdout, re.M)


def main():
    folder = Path(sys.argv[1])
    named = [*PROGRAMS, *CHROMIUM, *ROUNDCUBE]
    if all((folder / "done" / p).exists() for p in named):
        return 0
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        print("Not a Debian system: nothing is fetched here.")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    wanted = dict.fromkeys([*named, *needed_too()])
    return 0 if unpack(folder, list(wanted)) else 1


if __name__ == "__main__":
    sys.exit(main())
