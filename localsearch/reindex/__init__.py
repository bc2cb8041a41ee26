"""Moves a store to another pack: new features beside the old ones, then one commit.

Searches are answered by the former pack until that commit, and by the new one from it on. Never
changes an input: ids, tags, metadata and states stay, and rows too. What it needs of other flows
(the pipeline over the new pack, the lock of a sync, publishing) is handed over by `library`.
"""
