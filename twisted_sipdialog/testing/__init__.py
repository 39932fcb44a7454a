"""
For tests of what is built on this package: user agents in a simulated network, and scripted peers.
"""

from twisted_sipdialog.testing.network import MemoryNetwork
from twisted_sipdialog.testing.scripted import ScriptedPeer

__all__ = ["MemoryNetwork", "ScriptedPeer"]
