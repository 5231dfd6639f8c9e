import { describe, expect, it } from '@jest/globals';
import type { LockedColumn } from '../../../cli/project/files/lock-file.ts';
import {
  eventOf,
  isChangeName,
  isCreationName,
  isEventColumn,
  isMeasure,
  isMigrationTable,
  isOwnName,
  looksSecret,
} from '../../../cli/project/init/column-names.ts';

const column = (type: string, nullable = false): LockedColumn => ({ type, nullable });
const timestamp = column('timestamp without time zone');
const text = column('text');
const integer = column('integer');

describe('a name that says that it changes', () => {
  it.each([
    ...[
      'updated_at',
      'updatedAt',
      'last_updated',
      'last_update',
      'lastModified',
      'modifieddate',
      'ModifiedDate',
    ],
    ...[
      'modified',
      'changed_on',
      'date_updated',
      'mtime',
      'write_date',
      'UPDATED_AT_UTC',
      'last-edited-time',
    ],
  ])('is %s', (name) => expect(isChangeName(name)).toBe(true));

  it.each(['created_at', 'update_count', 'price_changed_by', 'updates', 'sold_at', 'date', 'mtime_zone'])(
    'is not %s',
    (name) => expect(isChangeName(name)).toBe(false),
  );
});

describe('a name that says when a row was made', () => {
  it.each([
    'created_at',
    'createdAt',
    'creation_date',
    'create_date',
    'date_created',
    'inserted_at',
    'added_on',
  ])('is %s', (name) => expect(isCreationName(name)).toBe(true));

  it.each(['updated_at', 'created_by', 'creator', 'sold_at'])('is not %s', (name) =>
    expect(isCreationName(name)).toBe(false),
  );
});

describe('a column that says when something happened', () => {
  it.each(['sold_at', 'rental_date', 'paymentDate', 'occurred', 'due_on'])('is %s', (name) =>
    expect(isEventColumn(name, timestamp)).toBe(true),
  );

  it.each(['updated_at', 'created_at', 'birth_date', 'hire_date', 'expires_at', 'deleted_at'])(
    'is not %s',
    (name) => expect(isEventColumn(name, timestamp)).toBe(false),
  );

  it('is no text', () => expect(isEventColumn('sold_at', text)).toBe(false));
});

describe('a measure', () => {
  it.each([
    ['amount', 'numeric(8,2)'],
    ['temperature', 'real'],
    ['units_sold', 'integer'],
    ['itemQuantity', 'smallint'],
    ['paid', 'money'],
  ])('is %s %s', (name, type) => expect(isMeasure(name, column(type))).toBe(true));

  it.each([
    ['order_number', 'numeric(10,0)'],
    ['latitude', 'double precision'],
    ['version', 'integer'],
    ['account_id', 'bigint'],
    ['amount', 'text'],
  ])('is not %s %s', (name, type) => expect(isMeasure(name, column(type))).toBe(false));
});

describe('the name of a thing', () => {
  it.each([
    ['film', 'title'],
    ['customer', 'first_name'],
    ['payment_type', 'payment_type_name'],
    ['designs', 'design_name'],
    ['users', 'email'],
    ['people', 'fullname'],
  ])('of %s is %s', (table, name) => expect(isOwnName(table, name, text)).toBe(true));

  it.each([
    ['orders', 'ship_name'],
    ['rental', 'note'],
    ['sales_order', 'agreed_payment_date'],
  ])('of %s is not %s', (table, name) => expect(isOwnName(table, name, text)).toBe(false));
});

describe('a secret', () => {
  it.each([
    ...['password', 'password_hash', 'passwordsalt', 'hashed_password', 'api_key', 'apiKey', 'access_token'],
    ...['resetToken', 'client_secret', 'private_key', 'pwd', 'salt', 'remember_token'],
  ])('looks like %s', (name) => expect(looksSecret(name, text)).toBe(true));

  it.each(['postal_code', 'key', 'primary_key', 'name', 'hashtag', 'secretary', 'tokens_used_for'])(
    'does not look like %s',
    (name) => expect(looksSecret(name, text)).toBe(false),
  );

  it('is neither a number nor a date', () => {
    expect(looksSecret('token_count', integer)).toBe(false);
    expect(looksSecret('password_changed_at', timestamp)).toBe(false);
  });
});

describe('a table of a tool that migrates schemas', () => {
  it.each([
    ...['_prisma_migrations', 'schema_migrations', 'ar_internal_metadata', 'flyway_schema_history'],
    ...[
      'databasechangelog',
      'databasechangeloglock',
      'knex_migrations',
      'knex_migrations_lock',
      'django_migrations',
    ],
    ...['alembic_version', 'goose_db_version', '__EFMigrationsHistory', 'SequelizeMeta', 'typeorm_metadata'],
    ...[
      '__drizzle_migrations',
      '_sqlx_migrations',
      '__diesel_schema_migrations',
      'migrations',
      'pgmigrations',
    ],
    ...['doctrine_migration_versions', 'phinxlog', 'schema_version'],
  ])('is %s', (table) => expect(isMigrationTable(table)).toBe(true));

  it.each([
    'bird_migration',
    'versions',
    'django_session',
    'logs',
    'typeorm_users',
    'node_pg_orders',
    'revisions',
  ])('is not %s', (table) => expect(isMigrationTable(table)).toBe(false));
});

it.each([
  ['rented_at', 'rented'],
  ['orderDate', 'order'],
  ['sold_on', 'sold'],
  ['created_timestamp', 'created'],
  ['date', 'event'],
  ['happened', 'happened'],
])('%s is the date of the event %s', (name, event) => expect(eventOf(name)).toBe(event));
