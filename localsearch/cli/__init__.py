"""The command line: one command a file, one table of commands, one table of exit codes.

Stands on the public names of `localsearch` only. The only room that prints and exits, and the
only one that imports typer and rich. Knows no table, no model and no query plan.
"""
