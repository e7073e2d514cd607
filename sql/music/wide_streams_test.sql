select (select count(*) from music.wide_streams) = (select count(*) from music.fact_streams) as no_stream_lost_or_doubled;
