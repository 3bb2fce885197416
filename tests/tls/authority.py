"""Certificates for tests, by openssl(1)."""

import subprocess

ALGORITHMS = {
    "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["rsa:2048"],
    "ed25519": ["ed25519"],
}


class Pair:
    """A certificate that signs itself, and its key."""

    def __init__(self, folder, name, algorithm="ec",
                 hosts=("mx.example.org",), days=90):
        self.name = name
        self.chain = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        make(self.chain, self.key, algorithm, hosts, days)

    def block(self, extra=""):
        return (f"certificate {self.name} {{\n\tchain = {self.chain}\n"
                f"\tkey = {self.key}\n{extra}}}\n")


def make(chain, key, algorithm="ec", hosts=("mx.example.org",), days=90):
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey",
         *ALGORITHMS[algorithm], "-keyout", key, "-out", chain,
         "-days", str(days), "-subj", f"/CN={hosts[0]}", "-addext",
         "subjectAltName=" + ",".join(f"DNS:{h}" for h in hosts)],
        check=True, capture_output=True)
