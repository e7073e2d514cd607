select place between 1 and 10 as ten_at_most
from music.top_artists;
