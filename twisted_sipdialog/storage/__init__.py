"""
What outlives a request, or a process.
"""
