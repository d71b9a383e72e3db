"""Put on PYTHONPATH of the workflow runs under test: a connection to anything but this machine fails."""

import socket

_connect = socket.socket.connect


def connect(self, address):
    """Connect to this machine or not at all."""
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
        "127.0.0.1",
        "::1",
        "localhost",
    ):
        raise OSError(f"a test tried to reach {address[0]}: the workflow needs no network")
    return _connect(self, address)


socket.socket.connect = connect
