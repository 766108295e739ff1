"""
What a simulated Linq knows, and the time it lives in.
"""
