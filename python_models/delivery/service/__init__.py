"""The scoring service: one customer's score in milliseconds, by the models that the warehouse publishes."""
