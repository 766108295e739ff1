"""
What a simulated Linq tells: bodies, signatures, deliveries.
"""
