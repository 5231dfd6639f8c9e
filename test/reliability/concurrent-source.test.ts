import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verifyWarehouse } from '../../cli/verify/verify-warehouse.ts';
import { type Databases, makeDatabases } from '../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../helpers/inline-road/inline-road.ts';
import { openShop } from '../helpers/inline-road/shop.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { findNews } from './world/expectations.ts';
import { allHints, environmentOf, hintsAlone, offerHints, summarizeLog, takeHints } from './world/hints.ts';
import { startWriters } from './writers/concurrent-writers.ts';
import { readCommittedVersions, readWarehouseVersions, rememberFacts } from './writers/fact-history.ts';

const isLong = process.env.RELIABILITY === 'long';
const runs = isLong ? 30 : 6;
const sessions = 4;
const seed = Number(process.env.SEED ?? 1);

const tried = takeHints(isLong ? [allHints, ...hintsAlone] : [allHints]);

describe.each(tried)(
  `a source that ${sessions} sessions write to during ${runs} runs (SEED=${seed}, hints: $name)`,
  (hints) => {
    let server: PostgresServer;
    let databases: Databases;
    let road: InlineRoad;

    beforeAll(async () => {
      server = await startTemporaryPostgres({
        settings: {
          max_prepared_transactions: '1000',
          wal_writer_delay: '1ms',
          deadlock_timeout: '20ms',
          summarize_wal: 'on',
        },
      });
      databases = await makeDatabases(server);
      await rememberFacts(databases.source);
      await openShop(databases.source);
      await offerHints(databases.source, hints);
      road = await startInlineRoad({ ...databases, variables: environmentOf(hints) });
    });
    afterAll(async () => {
      await road.end();
      await databases.end();
      await server.stop();
    });

    it(
      'is in the warehouse exactly, with no version of a fact that was never committed',
      async () => {
        const { source, warehouse } = databases;
        const writers = startWriters(server.url('shop'), sessions, seed);
        try {
          let endLong: (() => Promise<void>) | undefined;
          for (let run = 0; run < runs; run++) {
            if (run % 3 === 0) endLong = await writers.beginLong();
            if (hints.summaries && run % 2 === 0) await summarizeLog(source);
            await road.run();
            if (run % 3 === 2) await endLong?.();
            if (run % 2 === 1) await writers.endPrepared();
          }
        } finally {
          await writers.stop();
        }
        await road.run({ isExact: true });
        expect(await road.deadLetters()).toEqual([]);
        const report = await verifyWarehouse({
          source,
          warehouse,
          warehouseSchema: 'public',
          model: totesys,
        });
        expect(report.tables.filter((table) => !isExact(table))).toEqual([]);
        const found = await readWarehouseVersions(warehouse);
        const committed = await readCommittedVersions(source);
        expect(found.filter((version) => !committed.has(version))).toEqual([]);
        expect(new Set(found).size).toBe(found.length);
        // What is left is nothing, and what was written was all of it.
        expect(await findNews(road.ingested, await road.run({ isExact: true }))).toEqual([]);
        for (const [kind, count] of Object.entries(writers.tally)) {
          expect({ kind, happened: count > 0 }).toEqual({ kind, happened: true });
        }
      },
      isLong ? 600_000 : 120_000,
    );
  },
);

const isExact = (table: Awaited<ReturnType<typeof verifyWarehouse>>['tables'][number]): boolean =>
  table.problem === undefined &&
  table.missing + table.extra + table.doubled + table.different + table.dangling === 0;
