-- A shop that rents films out: three schemas, none of them public.

create schema films;
create schema persons;
create schema trade;

create type films.audience as enum ('everyone', 'teens', 'adults', 'it''s "odd", \ {really}');
create domain persons.country_code as varchar(3) check (value = upper(value));

create table persons.country (
  country_id smallint primary key,
  name text not null,
  iso persons.country_code unique
);

create table persons.city (
  city_id integer primary key,
  name text not null,
  country_id smallint not null references persons.country,
  place point
);

create table persons.address (
  address_id uuid primary key,
  street text not null,
  street_2 text,
  postcode varchar(12),
  city_id integer not null references persons.city,
  phone text
);

create table persons.customer (
  customer_id uuid primary key,
  full_name text not null,
  email text,
  birthday date,
  address_id uuid references persons.address,
  referred_by uuid references persons.customer,
  preferences jsonb not null,
  is_active boolean not null,
  modified_at timestamptz not null
);

create table persons.clerk (
  clerk_id integer primary key,
  full_name text not null,
  badge char(6),
  manager_id integer references persons.clerk,
  address_id uuid references persons.address,
  portrait bytea,
  shift timetz
);

create table films.language (
  language_id char(3) primary key,
  name text not null
);

create table films.film (
  film_id integer primary key,
  title text not null,
  blurb text,
  made_in smallint,
  language_id char(3) not null references films.language,
  original_language_id char(3) references films.language,
  sequel_of integer references films.film,
  minutes smallint,
  daily_rate numeric(6, 2) not null,
  audience films.audience,
  features text[],
  facts jsonb,
  found_by tsvector generated always as (to_tsvector('simple', title || ' ' || coalesce(blurb, ''))) stored,
  modified_at timestamp not null
);

create table films.actor (
  actor_id uuid primary key,
  first_name varchar(45) not null,
  last_name varchar(45) not null
);

create table films.film_actor (
  film_id integer references films.film,
  actor_id uuid references films.actor,
  billing smallint,
  primary key (film_id, actor_id)
);

create table trade.store (
  country_id smallint references persons.country,
  store_no integer,
  name text not null,
  opened_on date,
  primary key (country_id, store_no)
);

create table trade.copy (
  copy_id bigint primary key,
  film_id integer not null references films.film,
  country_id smallint not null,
  store_no integer not null,
  bought_for numeric,
  foreign key (country_id, store_no) references trade.store
);

create table trade.rental (
  rental_id bigint primary key,
  copy_id bigint not null references trade.copy,
  customer_id uuid not null references persons.customer,
  clerk_id integer references persons.clerk,
  rented_at timestamptz not null,
  returned_at timestamptz,
  lent_for tstzrange not null,
  remark text,
  modified_at timestamptz not null
);

create table trade.payment (
  payment_id bigint,
  paid_on date,
  rental_id bigint,
  customer_id uuid not null references persons.customer,
  amount numeric(10, 2) not null,
  tip money,
  primary key (payment_id, paid_on)
) partition by range (paid_on);

create table trade.payment_2024_h1 partition of trade.payment for values from ('2024-01-01') to ('2024-07-01');
create table trade.payment_2024_h2 partition of trade.payment for values from ('2024-07-01') to ('2025-01-01');
