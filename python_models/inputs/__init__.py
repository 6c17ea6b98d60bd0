"""Put the default input in place, and write new campaigns."""
