"""The search room: terms and their grammar, what each leaf means, the plan, the run, the page.

It reads a snapshot (one catalog transaction and the live set that this transaction names) and
never writes. It knows rows, scores and terms; it never knows a model's name, a wire format or
where a photo lies. Every route gives what the brute-force oracle of the tests gives: the same
rows and the same 16-bit scores in the same order.

Nothing is imported here: `terms` must stay cheap (no numpy) for the counter.
"""
