create table first.countries (
    country varchar(255),
    continent varchar(20)
)
