"""
The messages of RFC 4475 and RFC 5118, each with what its section says becomes of it.

Where a section leaves a choice, all of it stands here; where it speaks of registrars and proxies, what an endpoint
does whose application takes REGISTER and MESSAGE.
"""

import pytest

from tests.robustness.case import RawPeer
from tests.torture.outcome import DROPPED, REACHED, outcome
from twisted_sipdialog.testing import MemoryNetwork

#: File: (section, by TCP as well as by UDP, what may become of it).
EXPECTED = {
    # RFC 4475 3.1.1: well-formed.  Those with a To tag belong to no dialog of ours: 481 (RFC 3261 section 12.2.2).
    "rfc4475/wsinv": ("3.1.1.1", False, {481}),
    # Unknown methods: 405, for Allow tells more than the 501 that 3.1.1.3 expects.
    "rfc4475/intmeth": ("3.1.1.2", True, {405, 501}),
    "rfc4475/esc01": ("3.1.1.3", False, {REACHED}),
    "rfc4475/escnull": ("3.1.1.4", False, {REACHED}),
    "rfc4475/esc02": ("3.1.1.5", True, {405, 501}),
    "rfc4475/lwsdisp": ("3.1.1.6", False, {200}),
    "rfc4475/longreq": ("3.1.1.7", True, {REACHED}),
    "rfc4475/dblreq": ("3.1.1.8", False, {REACHED}),
    "rfc4475/semiuri": ("3.1.1.9", False, {200}),
    "rfc4475/transports": ("3.1.1.10", False, {200}),
    "rfc4475/mpart01": ("3.1.1.11", False, {REACHED}),
    "rfc4475/unreason": ("3.1.1.12", False, {DROPPED}),
    "rfc4475/noreason": ("3.1.1.13", False, {DROPPED}),
    # RFC 4475 3.1.2: malformed.
    "rfc4475/badinv01": ("3.1.2.1", False, {400}),
    "rfc4475/clerr": ("3.1.2.2", False, {400}),
    "rfc4475/ncl": ("3.1.2.3", True, {400}),
    "rfc4475/scalar02": ("3.1.2.4", True, {400}),
    "rfc4475/scalarlg": ("3.1.2.5", True, {DROPPED}),
    "rfc4475/quotbal": ("3.1.2.6", False, {400}),
    "rfc4475/ltgtruri": ("3.1.2.7", False, {400}),
    "rfc4475/lwsruri": ("3.1.2.8", False, {400}),
    "rfc4475/lwsstart": ("3.1.2.9", False, {400}),
    "rfc4475/trws": ("3.1.2.10", True, {400}),
    "rfc4475/escruri": ("3.1.2.11", False, {400}),
    # The zone of Date matters to nobody here: it should not be refused.
    "rfc4475/baddate": ("3.1.2.12", False, {REACHED}),
    "rfc4475/regbadct": ("3.1.2.13", False, {400}),
    # Either refused, or the spaces ignored.
    "rfc4475/badaspec": ("3.1.2.14", False, {400, 200}),
    # Either refused, or the quotes inferred.
    "rfc4475/baddn": ("3.1.2.15", False, {400, 200}),
    "rfc4475/badvers": ("3.1.2.16", False, {505}),
    "rfc4475/mismatch01": ("3.1.2.17", False, {400}),
    "rfc4475/mismatch02": ("3.1.2.18", False, {400, 501}),
    "rfc4475/bigcode": ("3.1.2.19", False, {DROPPED}),
    # RFC 4475 3.2: matched as of old, or refused.
    "rfc4475/badbranch": ("3.2.1", False, {200, 400}),
    # RFC 4475 3.3: what the application layer says.
    "rfc4475/insuf": ("3.3.1", False, {400}),
    "rfc4475/unkscm": ("3.3.2", True, {416}),
    "rfc4475/novelsc": ("3.3.3", True, {416}),
    # The registrar that refuses it is the application.
    "rfc4475/unksm2": ("3.3.4", False, {REACHED}),
    "rfc4475/bext01": ("3.3.5", True, {420}),
    "rfc4475/invut": ("3.3.6", False, {415}),
    # An Authorization of an unknown scheme counts as none.
    "rfc4475/regaut01": ("3.3.7", True, {REACHED}),
    "rfc4475/multi01": ("3.3.8", False, {400}),
    "rfc4475/mcl01": ("3.3.9", True, {400}),
    "rfc4475/bcast": ("3.3.10", False, {DROPPED}),
    "rfc4475/zeromf": ("3.3.11", False, {200}),
    "rfc4475/cparam01": ("3.3.12", False, {REACHED}),
    "rfc4475/cparam02": ("3.3.13", False, {REACHED}),
    "rfc4475/regescrt": ("3.3.14", False, {REACHED}),
    "rfc4475/sdp01": ("3.3.15", False, {406}),
    # Everything of RFC 2543 but the missing Contact is taken: without one there is no remote target
    # (RFC 3261 sections 8.1.1.8 and 12.1.1), and nobody could ever hang up.
    "rfc4475/inv2543": ("3.4.1", False, {400}),
    # RFC 5118.
    "rfc5118/ipv6-good": ("4.1", False, {REACHED}),
    "rfc5118/ipv6-bad": ("4.2", False, {400}),
    "rfc5118/port-ambiguous": ("4.3", False, {REACHED}),
    "rfc5118/port-unambiguous": ("4.4", False, {REACHED}),
    "rfc5118/via-received-param-with-delim": ("4.5", False, {481}),
    "rfc5118/via-received-param-no-delim": ("4.5", False, {200}),
    "rfc5118/ipv6-in-sdp": ("4.6", False, {REACHED}),
    "rfc5118/mult-ip-in-header": ("4.7", False, {481}),
    "rfc5118/mult-ip-in-sdp": ("4.8", False, {REACHED}),
    "rfc5118/ipv4-mapped-ipv6": ("4.9", False, {REACHED}),
    # The third colon came from an ABNF that RFC 5954 has corrected.
    "rfc5118/ipv6-bug-abnf-3-colons": ("4.10", False, {400, 200}),
    "rfc5118/ipv6-correct-abnf-2-colons": ("4.10", False, {200}),
}


def test_allAreExpected(tortureFolder):
    """
    Every message of the folder has its row, and every row its message.
    """
    there = {f"{path.parent.name}/{path.stem}" for path in tortureFolder.glob("*/*.dat")}
    assert there == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_message(tortureFolder, name):
    """
    It is handled as its RFC says, nothing is raised, and the user agent goes on answering.
    """
    section, streams, expected = EXPECTED[name]
    data = (tortureFolder / f"{name}.dat").read_bytes()
    for protocol in ("UDP", "TCP") if streams else ("UDP",):
        found, answer, _ = outcome(data, protocol)
        assert found in expected, f"section {section} over {protocol}: {found}\n{answer!r}"


def answered(folder, name, protocol="UDP"):
    _, answer, delegate = outcome((folder / f"rfc4475/{name}.dat").read_bytes(), protocol)
    return answer, delegate


def test_whatTheAnswersSay(tortureFolder):
    """
    RFC 4475 sections 3.3.5, 3.3.6, 3.1.1.2: a 420 names what is not supported (of Require only), a 415 what is
    accepted, a 405 what is allowed.
    """
    for name, line in (
        ("bext01", b"\r\nUnsupported: nothingsupportsthis, nothingsupportsthiseither\r\n"),
        ("invut", b"\r\nAccept: application/sdp\r\n"),
        ("esc02", b"\r\nAllow: INVITE, "),
    ):
        assert line in answered(tortureFolder, name)[0], name


def test_whatTheApplicationSees(tortureFolder):
    """
    RFC 4475 sections 3.1.1.3, 3.1.1.4, 3.1.1.8, 3.3.13: escapes are read where they are escapes, what follows a
    message in its datagram is no part of it, and parameters belong where the brackets say.
    """
    (esc01,) = answered(tortureFolder, "esc01")[1].reached
    assert (esc01.uri.userText, esc01.uri.host) == ("sips:user@example.com", "example.net")
    assert (esc01.to.uri.userText, esc01.contacts[0].uri.userText) == ("user", "caller")
    (escnull,) = answered(tortureFolder, "escnull")[1].reached
    assert [contact.uri.userText for contact in escnull.contacts] == ["\0", "\0\0"]
    (dblreq,) = answered(tortureFolder, "dblreq")[1].reached
    assert (dblreq.method, dblreq.body) == ("REGISTER", b"")
    (cparam01,) = answered(tortureFolder, "cparam01")[1].reached
    (cparam02,) = answered(tortureFolder, "cparam02")[1].reached
    for request, ofHeader, ofUri in ((cparam01, ["unknownparam"], []), (cparam02, [], ["unknownparam"])):
        (contact,) = request.contacts
        assert (list(contact.parameters), list(contact.uri.parameters)) == (ofHeader, ofUri)
    (regescrt,) = answered(tortureFolder, "regescrt")[1].reached
    assert regescrt.contacts[0].uri.header("Route") == "<sip:sip.example.com>"


def test_streamsThatCannotBeFramed(tortureFolder):
    """
    RFC 4475 sections 3.1.2.3 and 3.3.9: without a length that can be believed, the connection is closed.
    """
    for name in ("ncl", "mcl01"):
        network = MemoryNetwork()
        agent = network.userAgent("sip:user@example.com")
        raw = RawPeer(network)
        stream = raw.connect(network.addressOf(agent))
        stream.send((tortureFolder / f"rfc4475/{name}.dat").read_bytes())
        network.advance(1)
        assert stream.closed, name
        raw.close()
        network.assertQuiet()
