"""Tables that are built piece by piece: what the pieces are, and the query that computes one of them."""
