"""Where photos come from: input forms, the walk over folders, and decoding.

The only room that decodes pictures. It knows no model, no catalog and no search; it never writes
into a photo folder and opens no socket. Importing it, the walk, the ignore rules or the format
table costs neither Pillow nor numpy: these come with the first picture.
"""
