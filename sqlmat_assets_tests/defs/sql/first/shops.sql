SELECT id, city_id FROM first.shops_raw
