"""Unit tests of the SQL: small inputs and the rows that a query should make of them."""
