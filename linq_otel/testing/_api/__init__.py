"""
What a simulated Linq is asked: the HTTP surface and what each call does.
"""
