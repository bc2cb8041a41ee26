"""Sync: brings a library to what its photo folders show now.

`plan` and `safety` are pure; `roots` finds the folders, `survey` walks them, `commit` writes,
`run` is the flow. It never changes, moves or writes beside a photo, and it never deletes an
input: a photo that is gone becomes *missing*, one whose drive is away *offline*.
"""
