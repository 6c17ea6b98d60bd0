"""SQL that reads, types, checks and cleans the rows of raw files, as the seeds declare."""
