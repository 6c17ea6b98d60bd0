"""What every room uses: declarations, frames, SQL, the published warehouse."""
