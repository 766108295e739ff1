"""
Trying out somebody's webhook endpoint: what to send it, sending it, and what its answers mean.
"""
