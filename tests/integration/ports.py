"""
Free ports on loopback.
"""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

#: Above those that the system gives to whoever asks for any: none of them takes one in the meantime.
_RANGE = 61_000, 65_000


def freePort(host: str = "127.0.0.1", span: int = 1) -> int:
    """
    A port that is free for UDP and for TCP alike, as are the C{span - 1} ports above it.

    Nothing keeps it free afterwards: start at once what shall listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with ExitStack() as probes:

            def bind(kind: socket.SocketKind, port: int) -> int:
                probe = probes.enter_context(socket.socket(family, kind))
                probe.bind((host, port))
                return int(probe.getsockname()[1])

            first = random.randint(*_RANGE)
            try:
                bind(socket.SOCK_DGRAM, first)
                bind(socket.SOCK_STREAM, first)
                for port in range(first + 1, first + span):
                    bind(socket.SOCK_DGRAM, port)
                    bind(socket.SOCK_STREAM, port)
            except (OSError, OverflowError):
                continue
            return first


def freeHost(port: int = 5060) -> str:
    """
    An address of loopback at which C{port} is free for UDP and for TCP alike: all of 127.0.0.0/8 is at hand on Linux.

    Nothing keeps it free afterwards: start at once what shall listen there.
    """
    for _ in range(100):
        host = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((host, port))
        except OSError:
            continue
        return host
    # Something listens at all addresses.
    raise OSError(f"no loopback address has port {port} free")
