"""Postings: for each concept the rows that show it and their 16-bit probabilities.

`write` makes the blocks of a file, `read` answers from an open one. Never decides which rows are
alive (the live set does) and never computes a probability.
"""
