-- Every country with its capital, and the name that this has in addresses on the web.
-- unique: slug
create table first.countries (
    country varchar not null,   -- its short name in English
    capital varchar not null,   -- its name in English
    slug varchar not null,      -- small letters, digits and hyphens
    population bigint           -- people in the capital proper
)
