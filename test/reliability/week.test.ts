import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isLong, tell } from '../helpers/jest/long-form.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { sourceRows } from '../integration/capture/capture-bench.ts';
import { latestRows } from '../integration/capture/ingested-rows.ts';
import { runWeek, type WeekFigures } from './week/fast-motion.ts';
import { type Offered, settings, tables } from './week/week-source.ts';

const plansOfDay = 288;
const plans = isLong ? 7 * plansOfDay : plansOfDay / 2;
const rows = Number(process.env.ROWS ?? (isLong ? 1_000_000 : 200_000));
const seed = Number(process.env.SEED ?? 1);

/** What a plan and its extracts read to ask an index, and of small tables, however large the large one is. */
const blocksToAsk = 40;

const all: Offered = { counters: true, index: true, summaries: true };
const none: Offered = { counters: false, index: false, summaries: false };
const offers: [string, Offered][] = isLong
  ? [
      ['nothing', none],
      ['counters', { ...none, counters: true }],
      ['index', { ...none, index: true }],
      ['summaries', { ...none, summaries: true }],
      ['all', all],
    ]
  : [['all', all]];

describe(`${plans} plans of a five-minute schedule over a table of ${rows} rows and ten small ones (SEED=${seed})`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings });
  });
  afterAll(() => server.stop());

  it.each(offers)(
    'read no more than their looks and what has changed, of a source that offers: %s',
    async (name, offered) => {
      const { figures, bench } = await runWeek(server, { name: `week_${name}`, offered, rows, plans, seed });
      try {
        tell(describeFigures(name, figures));
        const wanted = figures.looks.blocks + figures.changed;
        expect(figures.byPlans + figures.byExtracts).toBeLessThan(1.02 * wanted + plans * blocksToAsk);
        expect(figures.changed).toBeGreaterThan(plans);
        for (const table of tables) {
          const sql = `select ${table}_id, note, units, last_updated from ${table} order by 1`;
          expect(latestRows(bench.store, table, `${table}_id`)).toEqual(await sourceRows(bench.source, sql));
        }
      } finally {
        await bench.end();
      }
    },
    3_600_000,
  );
});

function describeFigures(
  name: string,
  { plans: count, byPlans, byExtracts, looks, changed, oldest }: WeekFigures,
) {
  const read = byPlans + byExtracts;
  const ratio = (100 * read) / (looks.blocks + changed);
  return (
    `week (${name}): ${count} plans read ${byPlans} blocks, their extracts ${byExtracts}; ${changed} were written to, ` +
    `${looks.count} looks (${looks.ofLargeTable} at the large table) have ${looks.blocks}: ${ratio.toFixed(1)} %. ` +
    `The large table was ${oldest} plans old at most.`
  );
}
