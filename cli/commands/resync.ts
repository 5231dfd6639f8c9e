import type { Model } from '../../shared/model/model.ts';
import { makeResyncRequest, putResyncRequest } from '../../shared/records/plan/resync-request.ts';
import { parseTable } from '../options/named-tables.ts';
import { textOption, withSite } from '../options/site-options.ts';
import { commandFor } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

/** Leaves a request in the ingested bucket, which the next plan takes. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    return withSite(values, async (site) => {
      const tables = chooseSources(textOption(values.table), site.model);
      const request = makeResyncRequest('an operator has requested it', new Date(), tables);
      await putResyncRequest(site.ingested, request);
      if (terminal.json)
        terminal.result(JSON.stringify({ ok: true, request: request.id, tables: tables ?? null }));
      else {
        terminal.info(`The next plan reads ${tables?.join(', ') ?? 'every table'} in full.`);
        terminal.info('A running watch and a stage plan by themselves. Otherwise:');
        terminal.info(`    ${commandFor(site, 'run')}`);
      }
      return 0;
    });
  },
};

/** @returns source tables; undefined for all of them */
function chooseSources(table: string | undefined, model: Model): string[] | undefined {
  if (table === undefined) return undefined;
  const { sources } = parseTable(table, model);
  if (sources.length === 0) {
    throw new UsageError(
      `${table} is made from the dates that facts name: starlift rebuild ${table} brings it back`,
    );
  }
  return [...sources];
}
