"""Amazon Redshift, which speaks PostgreSQL's protocol."""
