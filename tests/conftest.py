"""
What the tests need from the machine: real peers, the torture messages.

Whatever is missing skips the test and says what to install or to set; with
C{SIPUA_REQUIRE_PEERS=1} a missing peer is a failure.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def findPeer(program: str, package: str) -> str:
    """
    The path of a peer's program.

    @param package: the Debian package that has it.
    """
    found = shutil.which(program)
    if found is not None:
        return found
    missing = f"{program} is not on PATH: apt-get install {package}"
    if os.environ.get("SIPUA_REQUIRE_PEERS") == "1":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


@pytest.fixture
def sipp() -> str:
    """The path of SIPp."""
    return findPeer("sipp", "sip-tester")


@pytest.fixture
def baresip() -> str:
    """The path of baresip."""
    return findPeer("baresip", "baresip-core")


@pytest.fixture
def linphonec() -> str:
    """The path of linphonec."""
    return findPeer("linphonec", "linphone-cli")


@pytest.fixture
def kamailio() -> str:
    """The path of Kamailio."""
    return findPeer("kamailio", "kamailio kamailio-presence-modules")


@pytest.fixture
def tortureFolder() -> Path:
    """The folder with the messages of RFC 4475 and RFC 5118, one folder for each."""
    named = os.environ.get("SIPUA_TORTURE_DIR")
    if not named:
        pytest.skip("SIPUA_TORTURE_DIR is not set: it names the folder with the RFC 4475 and RFC 5118 messages")
    return Path(named)
