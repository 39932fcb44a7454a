"""
Event packages and their bodies (RFC 6665 section 7).  Pure: nothing here knows of Twisted.
"""

from typing import Any

PACKAGES: dict[str, Any] = {}
