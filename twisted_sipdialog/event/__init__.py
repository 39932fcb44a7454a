"""
Event packages and their bodies (RFC 6665 section 7).  Pure: nothing here knows of Twisted.
"""

from twisted_sipdialog.event.package import PACKAGES, EventPackage

__all__ = ["PACKAGES", "EventPackage"]
