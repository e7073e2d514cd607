-- Cities with their people.
SELECT p.city_id, count(*) AS people
FROM first.people AS p
JOIN first.shops AS s USING (city_id)
GROUP BY ALL
