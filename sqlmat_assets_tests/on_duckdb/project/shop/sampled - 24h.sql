SELECT COUNT(*) AS n FROM shop.samples
