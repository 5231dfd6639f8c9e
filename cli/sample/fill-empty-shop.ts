import { connect } from '../database/connect.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount } from '../terminal/wording.ts';
import { TABLE_NAMES } from './schema.ts';

/** Fills the embedded source with the sample shop, once. It is one transaction: a kill leaves nothing half. */
export async function fillEmptyShop(shopUrl: string, terminal: Terminal): Promise<void> {
  const shop = await connect(shopUrl, 'source');
  try {
    // Any one of the tables will do: the run itself reports a table that was dropped since.
    const { rowCount } = await shop.query(
      `select from pg_class where relnamespace = 'public'::regnamespace and relname = any ($1) limit 1`,
      [TABLE_NAMES],
    );
    if (rowCount !== 0) return;
    // Only the first run needs faker's names and addresses, which are slow to load.
    const { fillSampleShop } = await import('./fill.ts');
    const filled = await fillSampleShop(shop, {});
    const total = Object.values(filled).reduce((sum, count) => sum + count, 0);
    terminal.info(`The sample shop has opened: ${formatCount(total)} rows of a year's trade.`);
  } finally {
    await shop.end();
  }
}
