"""
Looking at finished spans: collecting them, joining them, drawing them, comparing them.
"""
