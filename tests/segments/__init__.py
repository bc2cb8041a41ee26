"""A store with catalog and features but no photos, and its brute-force oracle."""
