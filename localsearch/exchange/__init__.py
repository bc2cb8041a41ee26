"""What leaves a library and comes back: lines for other programs, whole backups for this one.

Strangers to the other flows: what is needed of them (adding a file, deleting a folder) comes as an
argument. Never prints, never touches a photo.
"""
