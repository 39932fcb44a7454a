"""
Free ports on loopback.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack


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

            first = bind(socket.SOCK_DGRAM, 0)
            try:
                bind(socket.SOCK_STREAM, first)
                for port in range(first + 1, first + span):
                    bind(socket.SOCK_DGRAM, port)
                    bind(socket.SOCK_STREAM, port)
            except (OSError, OverflowError):
                continue
            return first
