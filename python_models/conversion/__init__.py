"""Train, judge and apply conversion models."""
