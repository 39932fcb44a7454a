"""
What an installed twisted_sipdialog must do, seen from outside: standard library only.

C{check_install.py venv VENV}: called from a folder that is not the source's, the VENV's twistd lists sipua beside
Twisted's own plugins, starts it, and it answers an OPTIONS and ends in order on SIGTERM.

C{check_install.py command FOLDER COMMAND}: the same for a shell command of the README that ends in C{twistd -n sipua},
run in FOLDER.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"


def answersOptions(port: int) -> bool:
    """Whether an OPTIONS over UDP gets a 200 within half a second (RFC 3261 section 11)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((HOST, 0))
        peer.settimeout(0.5)
        here = f"{HOST}:{peer.getsockname()[1]}"
        unique = os.urandom(8).hex()
        lines = (
            f"OPTIONS sip:{HOST}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{unique};rport",
            "Max-Forwards: 70",
            f"From: <sip:check@{here}>;tag={unique}",
            f"To: <sip:{HOST}:{port}>",
            f"Call-ID: {unique}",
            "CSeq: 1 OPTIONS",
            "Content-Length: 0",
        )
        try:
            peer.sendto("".join(f"{line}\r\n" for line in (*lines, "")).encode(), (HOST, port))
            answer = peer.recv(65535)
        except OSError:
            return False
    if not answer.startswith(b"SIP/2.0 200 "):
        sys.exit(f"OPTIONS got {answer!r}")
    return True


def checkRun(command: list[str], folder: Path, port: int, seconds: float) -> None:
    """
    Start C{twistd -n sipua}, ask it, end it with SIGTERM.

    @param command: what starts it, at once or after installing it.
    @param folder: where it runs, and so where twistd leaves its pid.
    @param seconds: how long to wait for its first answer.
    """
    if answersOptions(port):
        sys.exit(f"port {port} is taken by another user agent")
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + seconds
    try:
        while not answersOptions(port):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                sys.exit(f"{command}: no answer, status {process.poll()}\n{process.communicate()[0]}")
            time.sleep(0.2)
        os.kill(int((folder / "twistd.pid").read_text()), signal.SIGTERM)
        output = process.communicate(timeout=30)[0]
    finally:
        process.kill()
    # twistd ends its services, then ends itself by the signal it got, so that its parent sees why; a shell adds 128.
    if process.returncode not in (-signal.SIGTERM, 128 + signal.SIGTERM) or "Traceback" in output:
        sys.exit(f"{command}: status {process.returncode}\n{output}")
    print(f"answered at {HOST}:{port}, ended on SIGTERM: {output.splitlines()[-1]}")


def checkPlugins(twistd: Path, folder: Path) -> None:
    """twistd lists sipua and Twisted's own plugins, complains about none, and another plugin still works."""
    listed = subprocess.run([twistd, "--help"], cwd=folder, capture_output=True, text=True, check=True)
    names = set(re.findall(r"^    (\S+) {2,}", listed.stdout, re.MULTILINE))
    missing = {"sipua", "dns", "procmon", "web"} - names
    if missing or listed.stderr:
        sys.exit(f"twistd --help lacks {sorted(missing)}\n{listed.stdout}\n{listed.stderr}")
    subprocess.run([twistd, "procmon", "--help"], cwd=folder, capture_output=True, check=True)
    print(f"twistd lists {len(names)} plugins, sipua among them")


def freePort() -> int:
    """A port free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((HOST, 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return int(udp.getsockname()[1])


def main(mode: str, place: str, *command: str) -> None:
    if mode == "command":
        # It installs first: pip may take its time.
        checkRun(["bash", "-c", *command], Path(place), 5060, seconds=240)
        return
    twistd = Path(place).absolute() / "bin" / "twistd"
    with tempfile.TemporaryDirectory() as elsewhere:
        checkPlugins(twistd, Path(elsewhere))
        port = freePort()
        run = [os.fspath(twistd), "-n", "sipua", "--listen", f"udp:{port}", "--listen", f"tcp:{port}"]
        checkRun(run, Path(elsewhere), port, seconds=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
