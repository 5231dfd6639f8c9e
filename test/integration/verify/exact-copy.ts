import { expect } from '@jest/globals';
import { connect } from '../../../cli/database/connect.ts';
import { expectFiles } from '../../../cli/verify/expected/built-in-expectations.ts';
import { parseExpectations } from '../../../cli/verify/expected/expect-files.ts';
import type { VerifyReport } from '../../../cli/verify/report.ts';
import { type VerifyOptions, verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import type { Model } from '../../../shared/model/model.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../../helpers/postgres/temporary-postgres.ts';
import { sourceSql, warehouseSql } from './shop.ts';

const countNames = ['missing', 'extra', 'doubled', 'different', 'dangling'] as const;

/** Only what is not clean: table -> counts other than 0. */
export function differences({ tables }: VerifyReport) {
  const counts = tables.map((table) => [
    table.table,
    Object.fromEntries(countNames.flatMap((name) => (table[name] === 0 ? [] : [[name, table[name]]]))),
  ]);
  return Object.fromEntries(counts.filter(([, found]) => Object.keys(found as object).length > 0));
}

export const examples = ({ tables }: VerifyReport) => tables.flatMap((table) => table.examples);

/** The shop's own queries, which nothing derives from its model. */
const writtenByHand = parseExpectations(expectFiles, totesys);

/** A server names a column that is not there as the query has it. */
const withoutWording = ({ tables, ...report }: VerifyReport) => ({
  ...report,
  tables: tables.map(({ problem, ...table }) => ({ ...table, problem: problem?.replace(/: column .*/, '') })),
});

/** A small shop and an exact copy of it in a warehouse, which can be broken and verified again and again. */
export interface ExactCopy {
  /**
   * Verifies the exact copy after it was broken by the statements: of the shop's own model both by what follows from the
   * model and by the queries that were written by hand, which have to agree.
   */
  verifyAfter(
    broken: { source?: string; warehouse?: string },
    options?: {
      schema?: string;
      model?: Model;
      /** Of the source, where not UTF8. What it lacks of the shop's characters is not in either copy. */
      encoding?: string;
    },
  ): Promise<VerifyReport>;
  stop(): Promise<unknown>;
}

/** Other versions and settings on the two sides, where the machine can: neither may show. */
export async function makeExactCopy(): Promise<ExactCopy> {
  const settings = { datestyle: 'SQL, DMY', timezone: 'Asia/Tokyo' };
  const [source, warehouse] = await Promise.all([
    startTemporaryPostgres(),
    startInstalledPostgres({ settings }).then((server) => server ?? startTemporaryPostgres({ settings })),
  ]);
  await run(await source.createDatabase('shop'), sourceSql);
  await run(await warehouse.createDatabase('star'), warehouseSql);
  let databases = 0;
  return {
    verifyAfter: async (broken, { schema = 'public', model, encoding } = {}) => {
      databases += 1;
      const urls = {
        source: await (encoding === undefined
          ? copyDatabase(source, 'shop', databases, broken.source)
          : makeShopIn(encoding, source, databases, broken.source)),
        warehouse: await copyDatabase(
          warehouse,
          'star',
          databases,
          encoding === undefined ? broken.warehouse : `${withoutAsian}; ${broken.warehouse}`,
        ),
      };
      const clients = {
        source: await connect(urls.source, 'source'),
        warehouse: await connect(urls.warehouse, 'warehouse'),
      };
      const verify = (more: Partial<VerifyOptions>) =>
        verifyWarehouse({ ...clients, warehouseSchema: schema, model: totesys, ...more });
      try {
        if (model !== undefined) return await verify({ model });
        const report = await verify({});
        const byHand = await verify({ expectations: writtenByHand });
        expect(withoutWording(byHand)).toEqual(withoutWording(report));
        return report;
      } finally {
        await Promise.all([clients.source.end(), clients.warehouse.end()]);
      }
    },
    stop: () => Promise.all([source.stop(), warehouse.stop()]),
  };
}

async function copyDatabase(server: PostgresServer, of: string, number: number, sql = ''): Promise<string> {
  const url = await server.createDatabase(`${of}_${number}`, of);
  await run(url, sql);
  return url;
}

/** No encoding of one byte has the characters of all scripts. */
const asian = /京都|😀/g;
const withoutAsian = `
  update dim_location set district = regexp_replace(district, '京都', ''), phone = regexp_replace(phone, '😀', '');
  update dim_counterparty set counterparty_legal_district = regexp_replace(counterparty_legal_district, '京都', ''),
    counterparty_legal_phone_number = regexp_replace(counterparty_legal_phone_number, '😀', '')`;

async function makeShopIn(
  encoding: string,
  server: PostgresServer,
  number: number,
  sql = '',
): Promise<string> {
  const name = `shop_${number}`;
  const client = await connect(server.url(), 'source');
  // Temporary servers have dropped it, and only a template of this name may be copied into another encoding.
  await client.query('create database template0').catch(() => {});
  await client.query(`create database ${name} encoding '${encoding}' locale 'C' template template0`);
  await client.end();
  await run(server.url(name), `${sourceSql.replaceAll(asian, '')}; ${sql}`);
  return server.url(name);
}

async function run(url: string, sql: string): Promise<void> {
  const client = await connect(url, 'warehouse');
  try {
    await client.query(`set datestyle = iso; ${sql}`);
  } finally {
    await client.end();
  }
}
