import { buckets } from '../../../cli/embedded/resources.ts';
import type { QueueKind } from '../../../shared/queue/queue-settings.ts';
import {
  deleted,
  type Expected,
  empty,
  eventOf,
  fill,
  lines,
  message,
  newKey,
  noise,
  type Poison,
  spoiled,
  truncated,
  unchanged,
  withoutMetadata,
} from './poison.ts';

const letter = (reason: RegExp, table?: string, key?: RegExp): Expected => ({
  end: 'dead letter',
  reason,
  ...(table !== undefined && { table }),
  ...(key !== undefined && { key }),
});

const row = (queue: QueueKind, kind: string, make: Poison['make'], expected: Expected): Poison => ({
  queue,
  kind,
  make,
  expected,
});

const slice = {
  version: 1,
  run: '20240229T235959999Z00af',
  slice: '0001',
  table: 'currency',
  generation: '1',
  identity: '[]',
  plannedXmax: '1000',
};
const extract = (change: object) => message(JSON.stringify({ ...slice, ...change }));
const testEvent = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'starlift' });
const stray = 'holiday pictures/2024/beach.jpg';

const extractPoison: Poison[] = [
  row('extract', 'not JSON', message('have a nice day'), letter(/not JSON/)),
  row('extract', 'JSON of another shape', message('[1, 2]'), letter(/not a JSON object/)),
  row('extract', 'an older version', extract({ version: 0 }), letter(/unknown version 0/, 'currency')),
  row('extract', 'a table that is not in the model any more', extract({ table: 'refund' }), {
    end: 'nothing',
  }),
  row('extract', 'a run that leads elsewhere', extract({ run: '../state' }), letter(/run/, 'currency')),
  row('extract', 'xids that are none', extract({ plannedXmax: "1'" }), letter(/not an xid8/, 'currency')),
  row('extract', '256 KiB', message(fill(JSON.stringify({ ...slice, version: 0 }))), letter(/version 0/)),
];

const transformPoison: Poison[] = [
  row('transform', 'not JSON', message('<html>'), letter(/not JSON/)),
  row('transform', 'no event', message('{}'), letter(/no Records/)),
  row('transform', 'the test event of S3', message(testEvent), { end: 'nothing' }),
  row(
    'transform',
    'an unknown key',
    message(eventOf('ingested', stray)),
    letter(/not the key/, 'holiday pictures'),
  ),
  row('transform', '256 KiB', message(fill(eventOf('ingested', stray))), letter(/not the key/)),
  row(
    ...(['transform', 'a table that is not in the model any more'] as const),
    message(eventOf('ingested', newKey('ingested', 'refund'))),
    { end: 'nothing' },
  ),
  row(
    ...(['transform', 'another bucket'] as const),
    message(eventOf('ingested', newKey('ingested', 'currency'), 'elsewhere')),
    letter(/another bucket, elsewhere/, 'currency', /^currency\//),
  ),
  row(
    ...(['transform', "the other zone's key"] as const),
    message(eventOf('processed', newKey('processed', 'dim_currency'), buckets.ingested)),
    letter(/not the key of an ingested/, 'dim_currency'),
  ),
  row('transform', 'a deleted object', deleted('ingested', 'currency'), letter(/is not there/, 'currency')),
  row('transform', '0 bytes', spoiled('ingested', 'currency', empty), letter(/is empty/, 'currency')),
  row('transform', 'bad zstd', spoiled('ingested', 'currency', noise), letter(/decompressed/, 'currency')),
  row('transform', 'truncated', spoiled('ingested', 'staff', truncated), letter(/decompressed/, 'staff')),
  row(
    ...(['transform', 'lines missing'] as const),
    spoiled(
      ...(['ingested', 'design'] as const),
      lines((text) => text.slice(text.indexOf('\n') + 1)),
    ),
    letter(/number of rows is 2, and its metadata says 3/, 'design'),
  ),
  row('transform', 'no metadata', spoiled('ingested', 'staff', withoutMetadata), letter(/version/, 'staff')),
  row('transform', "another table's rows", spoiled('ingested', 'currency', unchanged, 'payment_type'), {
    end: 'quarantine',
    table: 'dim_payment_type',
    rows: 3,
  }),
  row(
    'transform',
    'lines of no JSON',
    spoiled(
      'ingested',
      'design',
      lines((text) => text.replace('{', '<')),
    ),
    {
      end: 'quarantine',
      table: 'dim_design',
      rows: 1,
    },
  ),
];

const processed = (table: string, change: Parameters<typeof spoiled>[2], under?: string) =>
  spoiled('processed', table, change, under);

const loadPoison: Poison[] = [
  row('load', 'not JSON', message('{"Records": ['), letter(/not JSON/)),
  row('load', 'the test event of S3', message(testEvent), { end: 'nothing' }),
  row('load', 'an unknown key', message(eventOf('processed', stray)), letter(/not the key/)),
  row('load', '256 KiB', message(fill(eventOf('processed', stray))), letter(/not the key/)),
  row(
    ...(['load', 'a table that is not in the model any more'] as const),
    message(eventOf('processed', newKey('processed', 'dim_refund'))),
    { end: 'nothing' },
  ),
  row(
    ...(['load', 'another bucket'] as const),
    message(eventOf('processed', newKey('processed', 'dim_currency'), 'elsewhere')),
    letter(/bucket elsewhere/),
  ),
  row('load', 'a deleted object', deleted('processed', 'dim_staff'), letter(/no such object/, 'dim_staff')),
  row('load', '0 bytes', processed('dim_staff', empty), letter(/not a whole Parquet/, 'dim_staff')),
  row('load', 'no Parquet', processed('dim_staff', noise), letter(/not a whole Parquet/, 'dim_staff')),
  row(
    'load',
    'truncated',
    processed('fact_payment', truncated),
    letter(/not a whole Parquet/, 'fact_payment'),
  ),
  row('load', 'no metadata', processed('dim_staff', withoutMetadata), letter(/version/, 'dim_staff')),
  row(
    ...(['load', "another table's file"] as const),
    processed('dim_currency', unchanged, 'dim_design'),
    letter(/columns are not those of dim_design/, 'dim_design'),
  ),
  row(
    ...(['load', "a fact's file under another fact"] as const),
    processed('fact_payment', unchanged, 'fact_sales_order'),
    letter(/columns are not those of fact_sales_order/, 'fact_sales_order'),
  ),
];

export const poisonTable: Record<QueueKind, Poison[]> = {
  extract: extractPoison,
  transform: transformPoison,
  load: loadPoison,
};
