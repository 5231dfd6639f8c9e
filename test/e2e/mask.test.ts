import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { starlift as start } from '../helpers/processes/starlift.ts';
import { ask } from './road.ts';

jest.setTimeout(240_000);

const key = 'a key that nobody can guess, and longer than the block of a hash of 64 bytes: 0123456789';
const otherKey = 'another key of some length';

/** What must not leave the source. */
const secrets = [
  'ann.secret@example.org',
  'bø.sécret@example.org',
  '555-secret',
  '4711081508',
  'note of secret-Cy',
];

const ddl = `
  create table customer (email text primary key, name text not null, phone text, ssn bigint, note text);
  create table purchase (purchase_id int primary key, email text references customer, bought_on text, amount int, modified_at timestamp not null);
  insert into customer values
    ('${secrets[0]}', 'Ann', '${secrets[2]}', ${secrets[3]}, null), ('${secrets[1]}', 'Bo', null, null, '${secrets[4]}');
  insert into purchase values (1, '${secrets[0]}', '2024-05-05', 10, '2024-05-05'), (2, '${secrets[1]}', '2024-05-06', 20, '2024-05-06'),
    (3, null, '2024-05-07', 30, '2024-05-07')`;

const project = {
  'starlift.yml': `name: masked
source: { url: "$\{SOURCE_URL}" }
warehouse: { calendar: dim_date }
sources:
  customer: { mask: { email: hmac, phone: hmac, ssn: hmac, note: hmac } }
  purchase: { mask: { email: hmac } }
`,
  'tables/dim_customer.yml': 'dimension: dim_customer\nfrom: customer\n',
  'tables/fact_purchase.yml': `fact: fact_purchase
from: purchase
versions: modified_at
columns:
  purchase_id:
  email: { references: dim_customer }
  bought_on: { as: date, references: dim_date }
  amount:
  modified_at:
`,
};

const hmac = (value: string | null, by = key): string | null =>
  value === null ? null : createHmac('sha256', by).update(value).digest('hex');

/** Every file of the data folder, objects as the text that they compress. */
function readEverything(folder: string): string {
  const texts: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    texts.push(bytes.toString('latin1'), bytes.toString('utf8'));
    if (entry.name.endsWith('.zst')) texts.push(zstdDecompressSync(bytes).toString('utf8'));
  }
  return texts.join('\n');
}

describe('columns that are masked', () => {
  let server: PostgresServer;
  let source: string;
  let warehouse: string;
  let folder: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    source = await server.createDatabase('source');
    warehouse = await server.createDatabase('warehouse');
    await ask(source, ddl);
    folder = mkdtempSync(join(tmpdir(), 'starlift-mask-'));
    expect(await starlift({}, 'init', '--source', source)).toMatchObject({ code: 0 });
    rmSync(join(folder, 'tables'), { recursive: true });
    mkdirSync(join(folder, 'tables'));
    for (const [name, text] of Object.entries(project)) writeFileSync(join(folder, name), text);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  let output = '';
  async function starlift(env: Record<string, string>, ...args: string[]) {
    const environment = { SOURCE_URL: source, WAREHOUSE_URL: warehouse, STARLIFT_DEBUG: '1', ...env };
    const result = await start(args, environment, undefined, folder);
    output += result.stdout + result.stderr;
    return result;
  }
  const withKey = (...args: string[]) => starlift({ STARLIFT_MASK_KEY: key }, ...args);

  const customers = () =>
    ask(warehouse, 'select email, name, phone, ssn, note from dim_customer order by name');
  const expected = (by = key) => [
    [hmac(secrets[0] ?? '', by), 'Ann', hmac(secrets[2] ?? '', by), hmac(secrets[3] ?? '', by), null],
    [hmac(secrets[1] ?? '', by), 'Bo', null, null, hmac(secrets[4] ?? '', by)],
  ];

  it('are refused without a key, with a short one, and where one end of a reference alone is masked', async () => {
    for (const env of [{}, { STARLIFT_MASK_KEY: 'short' }]) {
      const refused = await starlift(env as Record<string, string>, 'run');
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(
        /^starlift: customer\.\w+ is masked, and STARLIFT_MASK_KEY .*openssl rand -hex 32/,
      );
    }
    expect(await ask(warehouse, `select 1 from pg_tables where schemaname = 'public'`)).toEqual([]);
    const yml = project['starlift.yml'];
    writeFileSync(join(folder, 'starlift.yml'), yml.replace(/ {2}purchase: .*\n/, ''));
    const { code, stdout } = await starlift({}, 'check');
    expect([code, stdout]).toEqual([
      2,
      'tables/fact_purchase.yml line 6: email references dim_customer, and customer.email is masked while purchase.email is not: mask both, or neither\n',
    ]);
    writeFileSync(join(folder, 'starlift.yml'), yml);
    expect(await starlift({}, 'check')).toMatchObject({ code: 0 });
  });

  it('land as the HMAC of their text, references and versions included, and verify finds them exact', async () => {
    expect(await withKey('run')).toMatchObject({ code: 0 });
    expect(await customers()).toEqual(expected());
    await ask(source, `update purchase set amount = 11, modified_at = '2024-06-01' where purchase_id = 1`);
    expect(await withKey('run')).toMatchObject({ code: 0 });
    expect(
      await ask(warehouse, 'select purchase_id, email, amount from fact_purchase order by 1, modified_at'),
    ).toEqual([
      ['1', hmac(secrets[0] ?? ''), '10'],
      ['1', hmac(secrets[0] ?? ''), '11'],
      ['2', hmac(secrets[1] ?? ''), '20'],
      ['3', null, '30'],
    ]);
    expect(await withKey('verify')).toMatchObject({ code: 0 });
    expect(await withKey('status')).toMatchObject({ code: 0 });
    const unable = await starlift({}, 'verify');
    expect(unable.code).toBe(2);
    expect(unable.stderr).toContain('comparing them needs their key: set STARLIFT_MASK_KEY');
    expect(await withKey('trace', 'fact_purchase', '1')).toMatchObject({ code: 0 });
    expect(await withKey('trace', 'dim_customer', hmac(secrets[0] ?? '') ?? '')).toMatchObject({ code: 0 });
    expect((await starlift({}, 'trace', 'fact_purchase', '1')).stdout).toMatch(
      /^! the source does not answer: .* set STARLIFT_MASK_KEY/m,
    );
    await ask(warehouse, `update dim_customer set phone = '${hmac('555-other')}' where name = 'Ann'`);
    expect((await withKey('verify')).code).toBe(1);
    await ask(warehouse, `update dim_customer set phone = '${hmac(secrets[2] ?? '')}' where name = 'Ann'`);
    expect(await withKey('verify')).toMatchObject({ code: 0 });
  });

  it('are nowhere in clear text: not in S3, the quarantine, the warehouse, nor in any output', async () => {
    await ask(source, `insert into purchase values (9, '${secrets[0]}', 'not a date', 90, '2024-05-09')`);
    expect((await withKey('run')).code).toBe(1);
    const listed = await withKey('quarantine');
    expect(listed.stdout).toContain('key 9: bought_on is not a date');
    const everything = readEverything(join(folder, '.starlift'));
    // What is not masked is found where it lies.
    for (const clear of [hmac(secrets[0] ?? '') ?? '', '"name":"Ann"', 'not a date'])
      expect(everything).toContain(clear);
    const rows = JSON.stringify([
      await customers(),
      await ask(warehouse, 'select * from fact_purchase'),
      await ask(warehouse, 'select key from starlift.object'),
    ]);
    expect(output).toContain('fact_purchase');
    for (const secret of [...secrets, key]) {
      expect(everything.includes(secret)).toBe(false);
      expect(everything.includes(Buffer.from(secret).toString('latin1'))).toBe(false);
      expect(`${rows}${output}`.includes(secret)).toBe(false);
    }
    await ask(source, 'delete from purchase where purchase_id = 9');
    expect(await withKey('quarantine', 'drop', '--table', 'fact_purchase', '--gone')).toMatchObject({
      code: 0,
    });
    expect(await withKey('status')).toMatchObject({ code: 0 });
  });

  it('are all read anew, as a new generation, once there is another key', async () => {
    const generation = async () => (await ask(warehouse, 'select max(generation) from starlift.object'))[0];
    const before = await generation();
    // Where a key is masked, all keys are others now, as if the table had been emptied: an operator says that it was meant.
    const run = await starlift({ STARLIFT_MASK_KEY: otherKey }, 'run');
    expect(run).toMatchObject({ code: 1, stdout: expect.stringContaining('starlift deletes') });
    expect(await generation()).not.toEqual(before);
    const names = await customers();
    // The rows of the old keys stay, as those of any key that is changed do.
    expect(names).toHaveLength(4);
    expect(names).toEqual(expect.arrayContaining(expected(otherKey)));
    for (const table of ['dim_customer', 'fact_purchase']) {
      const applied = await starlift({ STARLIFT_MASK_KEY: otherKey }, 'deletes', 'apply', '--table', table);
      expect([table, applied.stderr]).toEqual([table, expect.anything()]);
    }
    const marked = await starlift({ STARLIFT_MASK_KEY: otherKey }, 'run');
    if (marked.code !== 0) throw new Error(marked.stdout + marked.stderr);
    expect(await ask(warehouse, 'select count(*) from dim_customer where _deleted_by is null')).toEqual([
      ['2'],
    ]);
  });
});
