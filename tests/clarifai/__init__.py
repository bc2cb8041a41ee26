"""What the tests of the old wire share: a library with a face, strict readers, golden bodies."""
