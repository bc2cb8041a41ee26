"""Photos that are twice there: the same content, or the same picture in another guise.

`contents` lays the library out in arrays, `candidates` finds prints that are near each other,
`compare` looks at two pictures, `groups` makes groups around the best copies, `run` does all of it
in this order. Never deletes, marks or writes anything.
"""
