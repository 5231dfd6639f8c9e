-- An application of today: ids that are made by it, times with a zone, json, and rows that are marked as deleted.

create type member_role as enum ('owner', 'editor', 'guest');

create table "schema_migrations" (
  version text primary key,
  applied_at timestamptz not null
);

create table organisations (
  id uuid primary key,
  slug text not null unique,
  name text not null,
  plan text not null,
  settings jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);

create table users (
  id uuid primary key,
  email citext not null unique,
  password_hash text not null,
  display_name text,
  locale text,
  last_seen_from inet,
  labels text[] not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);

create table memberships (
  organisation_id uuid references organisations,
  user_id uuid references users,
  role member_role not null,
  joined_at timestamptz not null,
  primary key (organisation_id, user_id)
);

create table posts (
  id uuid primary key,
  organisation_id uuid not null references organisations,
  author_id uuid references users,
  title text not null,
  body text,
  attributes json,
  reading_time interval,
  created_at timestamptz not null,
  published_at timestamptz,
  deleted_at timestamptz
);

create table comments (
  id uuid primary key,
  post_id uuid not null references posts,
  parent_id uuid references comments,
  author_id uuid references users,
  body text not null,
  created_at timestamptz not null,
  deleted_at timestamptz
);

create table "PurchaseOrder" (
  "orderId" bigint primary key,
  "buyerId" uuid not null references users (id),
  "organisationId" uuid references organisations (id),
  "totalCents" bigint not null,
  "taxRate" real,
  "exchangeRate" double precision,
  "placedAt" timestamptz not null,
  "updatedAt" timestamptz not null,
  "select" boolean,
  "a ""quoted"" name, and more" text
);

create table "OrderLine" (
  "orderId" bigint references "PurchaseOrder",
  "lineNo" smallint,
  "sku" text not null,
  "quantity" integer not null,
  "unitCents" integer not null,
  primary key ("orderId", "lineNo")
);

create table feature_flags (
  key text primary key,
  enabled boolean not null,
  share real,
  rules jsonb
);

create table api_clients (
  id integer primary key,
  user_id uuid not null references users,
  label text not null,
  secret_key bytea not null,
  allowed_from cidr,
  expires_at timestamptz
);

create table page_views (
  seen_at timestamptz not null,
  user_id uuid,
  path text not null
);

create table sign_ins (
  user_id uuid not null references users,
  signed_in_at timestamptz not null,
  browser text,
  took interval,
  constraint sign_ins_once unique (user_id, signed_in_at)
);
