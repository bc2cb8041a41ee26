"""Real clients of the old service against a live server over a real library."""
