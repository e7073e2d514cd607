-- People and where they live.
SELECT
  id, -- A number of their own
  city_id
FROM web.people
