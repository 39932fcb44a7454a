"""
How header fields are spelled (RFC 3261 section 7.3.3 and the IANA registry of SIP header fields).
"""

from __future__ import annotations

from typing import Final

#: Compact letter -> full name, in lower case.
COMPACT: Final[dict[str, str]] = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

_NAMES = """
    Accept Accept-Contact Accept-Encoding Accept-Language Accept-Resource-Priority Additional-Identity Alert-Info Allow
    Allow-Events Answer-Mode Authentication-Info Authorization Call-ID Call-Info Cellular-Network-Info Contact
    Content-Disposition Content-Encoding Content-ID Content-Language Content-Length Content-Type CSeq Date Diversion
    Encryption Error-Info Event Expires Feature-Caps Flow-Timer From Geolocation Geolocation-Error Geolocation-Routing
    Hide History-Info Identity Identity-Info Info-Package In-Reply-To Join Max-Breadth Max-Forwards MIME-Version
    Min-Expires Min-SE Organization P-Access-Network-Info P-Answer-State P-Asserted-Identity P-Asserted-Service
    P-Associated-URI P-Called-Party-ID P-Charging-Function-Addresses P-Charging-Vector P-DCS-Billing-Info P-DCS-LAES
    P-DCS-OSPS P-DCS-Redirect P-DCS-Trace-Party-ID P-Early-Media P-Media-Authorization P-Preferred-Identity
    P-Preferred-Service P-Private-Network-Indication P-Profile-Key P-Refused-URI-List P-Served-User P-User-Database
    P-Visited-Network-ID Path Permission-Missing Policy-Contact Policy-ID Priority Priority-Share Priority-Verstat
    Priv-Answer-Mode Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Reason-Phrase Record-Route
    Recv-Info Refer-Events-At Refer-Sub Refer-To Referred-By Reject-Contact Relayed-Charge Remote-Party-ID Replaces
    Reply-To Request-Disposition Require Resource-Priority Resource-Share Response-Key Response-Source Restoration-Info
    Retry-After Route RSeq Security-Client Security-Server Security-Verify Server Service-Interact-Info Service-Route
    Session-Expires Session-ID SIP-ETag SIP-If-Match Subject Subscription-State Supported Suppress-If-Match
    Target-Dialog Timestamp To Trigger-Consent Unsupported User-Agent User-to-User Via Warning WWW-Authenticate
    """

#: Lower case -> as it is usually written.
CANONICAL: Final[dict[str, str]] = {name.lower(): name for name in _NAMES.split()}
