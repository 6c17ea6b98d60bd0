"""What leaves the warehouse: audience files, model cards, scores in bulk, the service."""
