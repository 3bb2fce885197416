import ssl

import pytest

from support.instance import Instance

from .authority import Pair


class Secured(Instance):
    """An instance with certificates; serving TLS when started."""

    def __init__(self, folder, pairs, **more):
        self.pairs = {p.name: p for p in pairs}
        settings = "".join(p.block() for p in pairs)
        super().__init__(folder, settings=settings +
                         more.pop("settings", ""), **more)

    def start(self, wait=True):
        super().start(wait)
        # Four who serve, each with all of them.
        self.await_log(n=4 * len(self.pairs), event="certificate-in-use")
        return self

    def trust(self, *names, version=None):
        context = ssl.create_default_context()
        for name in names or self.pairs:
            context.load_verify_locations(self.pairs[name].chain)
        if version:
            context.minimum_version = context.maximum_version = version
        return context


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    pairs = [
        Pair(folder, "ec", "ec", ("mx.example.org", "*.example.org")),
        Pair(folder, "rsa", "rsa", ("mx.example.org",)),
        Pair(folder, "ed", "ed25519", ("ed.example.net",)),
        Pair(folder, "other", "rsa", ("other.example.com",)),
    ]
    with Secured(folder / "instance", pairs) as i:
        i.start()
        yield i
