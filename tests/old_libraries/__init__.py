"""Libraries as earlier versions left them on disk, and the script that made each."""
