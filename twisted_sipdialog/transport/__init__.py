"""
Ports and connections (RFC 3261 section 18, RFC 3581, RFC 5626): bytes in, messages up; messages down, bytes out.
"""
