import { connect } from '../../connect.ts';
import type { Terminal } from '../../terminal.ts';
import { fillSampleShop } from './fill.ts';

/** Fills the embedded source with the sample shop, once. It is one transaction: a kill leaves nothing half. */
export async function fillEmptyShop(shopUrl: string, terminal: Terminal): Promise<void> {
  const shop = await connect(shopUrl, 'source');
  try {
    const { rows } = await shop.query<{ isThere: boolean }>(
      `select to_regclass('public.payment') is not null as "isThere"`,
    );
    if (rows[0]?.isThere === true) return;
    const filled = await fillSampleShop(shop, {});
    const total = Object.values(filled).reduce((sum, count) => sum + count, 0);
    terminal.info(`The sample shop has opened: ${total.toLocaleString('en')} rows of a year's trade.`);
  } finally {
    await shop.end();
  }
}
