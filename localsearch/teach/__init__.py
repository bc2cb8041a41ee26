"""Concepts of one's own: a probe learned from examples, judged before it is kept.

Reads stored features and never a photo; never infers. A probe is a direction and a calibration
(`segments.probed.Probe`): no segment knows it, and searching it costs one scan. Whoever composes
this room hands over the connection and decides when to write.
"""
