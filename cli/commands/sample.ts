import { loadSampleFill, sampleSizes } from '../../models/built-in.ts';
import { connect } from '../database/connect.ts';
import { makeProgress } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

const maxOrders = 1_000_000_000;

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const orders = parseWhole('--orders', values.orders, maxOrders);
    const seed = parseWhole('--seed', values.seed, 0xffff_ffff);
    if (typeof values.source !== 'string') {
      throw new UsageError(
        '--source is missing: it names the database to fill (postgres://user:password@host:port/database)',
      );
    }
    const client = await connect(values.source, 'source');
    try {
      const startedAt = performance.now();
      const { fillSampleShop, isSampleShopThere } = await loadSampleFill();
      if (values['if-empty'] === true && (await isSampleShopThere(client))) {
        terminal.info('The sample shop is there already.');
        return 0;
      }
      const filled = await fillSampleShop(client, { orders, seed, onProgress: showFilled(terminal, orders) });
      const rows = Object.values(filled).reduce((sum, count) => sum + count, 0);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      if (!terminal.isInteractive) {
        for (const [table, count] of Object.entries(filled)) terminal.info(progressLine(table, count));
      }
      terminal.info(`The sample shop is ready: ${formatRows(rows)} in ${seconds} s.`);
      return 0;
    } finally {
      await client.end();
    }
  },
};

/** @throws {UsageError} the text is not a whole number from 0 to max; names the option */
function parseWhole(option: string, text: string | boolean | undefined, max: number): number {
  const number = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= max)) {
    throw new UsageError(`${option} ${String(text)} is not a whole number from 0 to ${formatCount(max)}`);
  }
  return number;
}

function showFilled(terminal: Terminal, orders: number): (table: string, rows: number) => void {
  const show = makeProgress(terminal);
  const sizes = sampleSizes(orders);
  const done = new Map<string, number>();
  return (table, rows) => {
    done.set(table, rows);
    show(Object.entries(sizes).map(([name, total]) => ({ name, done: done.get(name) ?? 0, total })));
  };
}

const progressLine = (table: string, rows: number): string =>
  `  ${table.padEnd(16)} ${formatCount(rows).padStart(12)} rows`;
