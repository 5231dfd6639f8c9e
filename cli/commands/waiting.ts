import { listMissingTables } from '../../shared/warehouse/missing-tables.ts';
import { selectReadable } from '../../shared/warehouse/readable-tables.ts';
import { withClient } from '../database/with-client.ts';
import { textOption, withSite } from '../options/site-options.ts';
import { hasLedger } from '../site/ledger.ts';
import { commandFor, type Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatRows } from '../terminal/wording.ts';
import { type DroppedRows, dropWaiting } from '../waiting/drop-waiting.ts';
import { describeWait, groupWaits, readWaiting } from '../waiting/explain-waits.ts';
import { describeRefused, readRefused } from '../waiting/refused-rows.ts';
import { parseWaitingSelection, type WaitingSelection } from '../waiting/waiting-rows.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    return withSite(values, async (site) => {
      const selection = parseWaitingSelection(textOption(values.table), site.model);
      await assertAllReadable(site);
      return values.drop === true ? drop(site, selection, terminal) : list(site, selection, terminal);
    });
  },
};

/**
 * What waits is told by the dimensions that it waits for.
 *
 * @throws {UsageError} one of the model's tables is not in a warehouse that was loaded, or may not be read; nothing is told or
 *   dropped
 */
async function assertAllReadable(site: Site): Promise<void> {
  const { missing, forbidden } = await withClient(site.connectWarehouse(), async (warehouse) => {
    if (!(await hasLedger(warehouse))) return { missing: [], forbidden: [] };
    const names = site.model.tables.map(({ name }) => name);
    const readable = await selectReadable(warehouse, site.warehouseSchema, names);
    const missing = await listMissingTables(warehouse, site.model, site.warehouseSchema);
    return { missing, forbidden: names.filter((name) => !readable.has(name) && !missing.includes(name)) };
  });
  const faults = [
    ...(missing.length > 0 ? [`the warehouse has no table ${missing.join(', ')}`] : []),
    ...(forbidden.length > 0 ? [`the warehouse does not let this role read ${forbidden.join(', ')}`] : []),
  ];
  if (faults.length === 0) return;
  throw new UsageError(
    `${faults.join(', and ')}, so what waits is unknown. For what to do: ${commandFor(site, 'status')}`,
  );
}

async function list(site: Site, selection: WaitingSelection, terminal: Terminal): Promise<number> {
  const waiting = await readWaiting(site, site.model, selection);
  const refused = await readRefused(site, site.model, selection);
  const ok = waiting.length === 0 && refused.length === 0;
  if (terminal.json) terminal.result(JSON.stringify({ ok, waiting, refused }));
  else if (ok) terminal.info('No row is waiting.');
  for (const each of terminal.json ? [] : refused) {
    terminal.info(`${terminal.style('red', '!')} ${describeRefused(each)}`);
    terminal.info(`    once the warehouse accepts them: ${each.mend}`);
  }
  for (const group of terminal.json ? [] : groupWaits(waiting)) {
    terminal.info(`${terminal.style('red', '!')} ${describeWait(group)}`);
    terminal.info(`    ${group.mend}`);
  }
  if (!ok && !terminal.json) terminal.info(`To give up on these rows: ${commandFor(site, 'waiting --drop')}`);
  return ok ? 0 : 1;
}

async function drop(site: Site, selection: WaitingSelection, terminal: Terminal): Promise<number> {
  const waiting = await readWaiting(site, site.model, selection);
  const refused = await readRefused(site, site.model, selection);
  for (const group of groupWaits(waiting)) terminal.info(describeWait(group));
  for (const each of refused) terminal.info(describeRefused(each));
  const isAny = waiting.length > 0 || refused.length > 0;
  const dropped = isAny ? await dropWaiting(site, site.model, selection) : [];
  if (terminal.json) terminal.result(JSON.stringify({ ok: true, dropped }));
  else if (dropped.length === 0) terminal.info('No row is waiting: nothing to drop.');
  for (const each of terminal.json ? [] : dropped) terminal.info(describeDropped(each, site));
  return 0;
}

function describeDropped({ table, rows, refused }: DroppedRows, site: Pick<Site, 'selector'>): string {
  const count = formatRows(rows);
  const again = commandFor(site, `replay --table ${table}`);
  const when = refused > 0 ? 'once the warehouse accepts them' : 'to wait again';
  return `${count} of ${table} dropped. To bring them back ${when}: ${again}`;
}
