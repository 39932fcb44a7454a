"""
Event packages and their bodies (RFC 6665 section 5).
"""

from typing import Any

PACKAGES: dict[str, Any] = {}
