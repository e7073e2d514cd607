SELECT count(*) = count(DISTINCT id) AS unique_ids FROM first.people;

-- warn
SELECT count(*) > 10 AS enough FROM first.people;
