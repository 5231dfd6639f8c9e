import { typesOf } from '../compile/column-types.ts';
import type { LockedColumn } from '../files/lock-file.ts';

/** The words of a name, in lower case: `soldAt`, `sold_at` and `SOLD-AT` are the same two. */
export const wordsOf = (name: string): string[] =>
  name
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1_$2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

const hasWord = (name: string, words: readonly string[]): boolean =>
  wordsOf(name).some((word) => words.includes(word));

const glued = (name: string): string => wordsOf(name).join('');

const moment = '(at|on|date|time|datetime|timestamp|ts|dt|utc)*';
const changePattern = new RegExp(
  `^(last)?(update|updated|modify|modified|modification|change|changed|edit|edited|write|saved)${moment}$|` +
    `^(date|time|timestamp|dt)(last)?(updated|modified|changed|edited)$|^mtime$`,
);
const creationPattern = new RegExp(
  `^(row)?(create|created|creation|insert|inserted|add|added)${moment}$|^(date|time|dt)(created|added|inserted)$|^ctime$`,
);

/** Whether a name says when the row was changed last. */
export const isChangeName = (name: string): boolean => changePattern.test(glued(name));

/** Whether a name says when the row was made. */
export const isCreationName = (name: string): boolean => creationPattern.test(glued(name));

const isMoment = (column: LockedColumn): boolean =>
  ['date', 'timestamp', 'timestamptz'].includes(typesOf(column).source);

const isTimestamp = (column: LockedColumn): boolean =>
  ['timestamp', 'timestamptz'].includes(typesOf(column).source);

const isText = (column: LockedColumn): boolean => typesOf(column).source === 'varchar';

/** A timestamp that is never null and that every change of a row changes, as its name says. */
export const isVersionColumn = (name: string, column: LockedColumn): boolean =>
  isChangeName(name) && isTimestamp(column) && !column.nullable;

/** Dates that say something of a thing, rather than when something happened. */
const attributeWords = [
  ...['birth', 'birthday', 'birthdate', 'born', 'dob', 'hire', 'hired', 'hiredate'],
  ...['expires', 'expiry', 'expiration', 'expire', 'expired', 'valid', 'deleted', 'login', 'seen'],
  ...['release', 'released', 'discontinued', 'archived', 'updated', 'modified', 'changed'],
];

/** Whether a column says when something happened. */
export const isEventColumn = (name: string, column: LockedColumn): boolean =>
  isMoment(column) && !isChangeName(name) && !isCreationName(name) && !hasWord(name, attributeWords);

export const isCreationColumn = (name: string, column: LockedColumn): boolean =>
  isMoment(column) && isCreationName(name);

const measureWords = [
  ...[
    'quantity',
    'qty',
    'units',
    'count',
    'amount',
    'amt',
    'total',
    'subtotal',
    'price',
    'cost',
    'sum',
    'fee',
  ],
  ...[
    'tax',
    'discount',
    'points',
    'minutes',
    'seconds',
    'hours',
    'days',
    'duration',
    'weight',
    'sold',
    'stock',
  ],
  ...['balance', 'revenue', 'profit', 'score', 'freight', 'volume'],
];
const placeWords = ['lat', 'lon', 'lng', 'latitude', 'longitude', 'altitude'];
const codeWords = [
  'id',
  'code',
  'number',
  'no',
  'num',
  'year',
  'month',
  'rank',
  'position',
  'version',
  'order',
];

/** Whether a column holds what can be added up. An integer needs a name that says so. */
export function isMeasure(name: string, column: LockedColumn): boolean {
  const { source } = typesOf(column);
  const last = wordsOf(name).at(-1) ?? '';
  if (hasWord(name, placeWords) || codeWords.includes(last)) return false;
  if (source.startsWith('int')) return hasWord(name, measureWords);
  return source.startsWith('numeric') || source.startsWith('float') || column.type === 'money';
}

const titles = ['name', 'title', 'label', 'email', 'username', 'login'];

/** Whether a column names the thing that a row of the table is: `name`, `title`, `design_name`, `first_name`. */
export function isOwnName(table: string, name: string, column: LockedColumn): boolean {
  if (!isText(column)) return false;
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  if (words.length === 1) return titles.includes(last) || /^(first|last|full|user|company)name$/.test(last);
  if (last !== 'name' && last !== 'title') return false;
  const [first = ''] = words;
  const own = [
    ...wordsOf(table).flatMap(singularForms),
    'first',
    'last',
    'full',
    'user',
    'display',
    'company',
  ];
  return own.includes(first);
}

const secretWords = [
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'secret',
  'token',
  'hash',
  'salt',
  'apikey',
  'otp',
];
const secretParts = /password|passwd|passphrase|(secret|token|apikey|privatekey)$/;

/** Whether a column looks like one that should not be copied. */
export function looksSecret(name: string, column: LockedColumn): boolean {
  const { source } = typesOf(column);
  const mayHold = ['varchar', 'bytea', 'uuid', 'json', 'jsonb', 'other'].includes(source);
  const words = wordsOf(name);
  const isKey = words.at(-1) === 'key' && hasWord(name, ['api', 'private', 'secret', 'access', 'encryption']);
  return mayHold && (isKey || hasWord(name, secretWords) || secretParts.test(words.join('')));
}

/** What happened, as the name of a date says: `rented_at` is 'rented', `orderDate` is 'order'. */
export function eventOf(name: string): string {
  const event = name.replace(/_?(?:at|on|date|time|datetime|timestamp|ts|dt)$/i, '');
  return event === '' ? 'event' : event;
}

/** A word as it may stand for one thing: `boxes` is 'boxes', 'boxe' or 'box'. */
export function singularForms(word: string): string[] {
  const forms = [word];
  if (word === 'people') forms.push('person');
  if (word.endsWith('ies')) forms.push(`${word.slice(0, -3)}y`);
  if (word.endsWith('es')) forms.push(word.slice(0, -2));
  if (word.endsWith('s') && !word.endsWith('ss')) forms.push(word.slice(0, -1));
  return forms;
}

const migrationTables = [
  /^_*prisma_*migrations$/,
  /^(_*schema_*(migrations?|version|info)|ar_internal_metadata)$/,
  /^flyway_?schema_?history$/,
  /^databasechangelog(lock)?$/,
  /^(knex|django|doctrine|pg|sqlx|drizzle|diesel|typeorm|mikro_?orm|gorp|kysely|atlas|phinx|node_pg)_*(.*_)?(migrations?|migration_?versions?|revisions|lock|log|metadata)(_lock)?$/,
  /^(alembic_version|goose_db_version|ef_?migrations_?history|sequelize_?meta|phinxlog|pgmigrations|migrations?|migration_versions|spatial_ref_sys)$/,
];

/** Whether a table belongs to a tool that changes schemas. */
export function isMigrationTable(table: string): boolean {
  const name = wordsOf(table).join('_');
  return migrationTables.some((pattern) => pattern.test(name));
}
