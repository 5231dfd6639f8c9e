import { describe, expect, it } from '@jest/globals';
import { lockTable, readCatalogue } from '../../../cli/project/catalogue/read-catalogue.ts';
import { typesOf } from '../../../cli/project/compile/column-types.ts';
import { formatType } from '../../../shared/model/define.ts';
import { type Initialized, useSource } from './init-under-test.ts';

const inSource = useSource();

/** What the columns of the table `every` are to the pipeline: the source's type, and the warehouse's. */
async function typesOfEvery({ client }: Initialized): Promise<Record<string, [string, string]>> {
  const [table] = await readCatalogue(client, ['public']);
  if (table === undefined) throw new Error('no table');
  return Object.fromEntries(
    Object.entries(lockTable(table, ['public']).columns).map(([name, column]) => {
      const { source, warehouse } = typesOf(column);
      return [name, [source, formatType(warehouse)]];
    }),
  );
}

describe('a type of the source', () => {
  it('is the same in the warehouse, or the nearest that takes each of its values', () =>
    inSource(
      `create type mood as enum ('a'); create domain mood_domain as mood; create domain price as numeric(10,2);
       create domain net_price as price; create type pair as (a int, b int); create domain days as int[];
       create extension citext;
       create table every (
         i2 smallint, i4 int, i8 bigint, o oid, n numeric, n1 numeric(10,2), n2 numeric(38,38), n3 numeric(39,2),
         n4 numeric(5,-2), n5 numeric(3,5), f4 real, f8 float8, b bool, t text, v varchar, v3 varchar(3), c char(5),
         nm name, d date, ti time, ti3 time(3), ts timestamp, ts3 timestamp(3), tz timestamptz, u uuid, by bytea, j json,
         jb jsonb, en mood, end1 mood_domain, pr price, npr net_price, pa pair, da days, ci citext, ar int[],
         na numeric(5,2)[], ea mood[], iv interval, ivs interval day to second, inet inet, r int4range, tt timetz,
         bi bit(3), po point, tv tsvector, mo money, x xml, ch "char", rc regclass, xi xid8)`,
      async (source) => {
        expect(await typesOfEvery(source)).toEqual({
          i2: ['int2', 'smallint'],
          i4: ['int4', 'int'],
          i8: ['int8', 'bigint'],
          o: ['oid', 'bigint'],
          n: ['numeric', 'numeric'],
          n1: ['numeric(10,2)', 'numeric(10,2)'],
          n2: ['numeric(38,38)', 'numeric(38,38)'],
          n3: ['numeric', 'numeric'],
          n4: ['numeric', 'numeric'],
          n5: ['numeric', 'numeric'],
          f4: ['float4', 'real'],
          f8: ['float8', 'double precision'],
          b: ['bool', 'boolean'],
          t: ['varchar', 'text'],
          v: ['varchar', 'text'],
          v3: ['varchar', 'text'],
          c: ['varchar', 'text'],
          nm: ['varchar', 'text'],
          d: ['date', 'date'],
          ti: ['time', 'time'],
          ti3: ['time', 'time'],
          ts: ['timestamp', 'timestamp'],
          ts3: ['timestamp', 'timestamp'],
          tz: ['timestamptz', 'timestamptz'],
          u: ['uuid', 'uuid'],
          by: ['bytea', 'bytea'],
          j: ['json', 'json'],
          jb: ['jsonb', 'jsonb'],
          en: ['varchar', 'text'],
          end1: ['varchar', 'text'],
          pr: ['numeric(10,2)', 'numeric(10,2)'],
          npr: ['numeric(10,2)', 'numeric(10,2)'],
          pa: ['other', 'text'],
          da: ['other', 'integer[]'],
          ci: ['varchar', 'text'],
          ar: ['other', 'integer[]'],
          na: ['other', 'numeric(5,2)[]'],
          ea: ['other', 'text'],
          iv: ['other', 'interval'],
          ivs: ['other', 'interval day to second'],
          inet: ['other', 'inet'],
          r: ['other', 'int4range'],
          tt: ['other', 'time with time zone'],
          bi: ['other', 'bit(3)'],
          po: ['other', 'point'],
          tv: ['other', 'tsvector'],
          mo: ['other', 'numeric'],
          x: ['other', 'xml'],
          ch: ['other', 'text'],
          rc: ['other', 'text'],
          xi: ['other', 'text'],
        });
      },
    ));

  it('of any kind that Postgres has makes a column that another server can make, too', () =>
    inSource('select 1', async (source) => {
      const { client } = source;
      const { rows } = await client.query<{ name: string }>(`
        select format_type(oid, null) as name from pg_type
         where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm') and typisdefined
           and typrelid = 0 and typname <> '_cstring' and typelem not in (select reltype from pg_class where reltype <> 0)
         order by oid`);
      const columns = rows.map(({ name }, index) => `c${index} ${name}`);
      await client.query(`create table every (${columns.join(', ')})`);
      const types = Object.values(await typesOfEvery(source)).map(([, type]) => type);
      expect(types.length).toBeGreaterThan(120);
      await client.query(
        `create table copied (${types.map((type, index) => `c${index} ${type}`).join(', ')})`,
      );
    }));
});
