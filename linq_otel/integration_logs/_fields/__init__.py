"""
One field of a row each: what it may look like, and what it means.
"""
