"""The matrix: the stored vectors of a segment, coded for scanning and in half precision.

`coding` turns vectors into int8 with a guaranteed error, `write` makes the blocks of a file,
`read` answers from an open one, `scan` multiplies (the only place with a fast int8 product).
A scan proposes; what a user sees is computed by `scores.cosines` from the halves.
"""
