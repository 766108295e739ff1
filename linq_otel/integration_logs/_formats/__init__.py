"""
The ways rows are written, each read as a stream of names and values.
"""
