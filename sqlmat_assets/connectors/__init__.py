"""Systems outside of the warehouse, one module for each."""
