import { isRunId } from '../../shared/object-store/object-key.ts';
import { type CountedObject, listZoneObjects, type Zone, type ZoneObject } from '../objects/list-objects.ts';
import { parseLimit } from '../options/limit-option.ts';
import { parseTableOption } from '../options/named-tables.ts';
import { textOption, withSite } from '../options/site-options.ts';
import { commandFor } from '../site/site.ts';
import { formatTable } from '../terminal/table.ts';
import { formatTime } from '../terminal/time.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

const zones: readonly Zone[] = ['ingested', 'processed'];
const shownObjects = 50;

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const zone = textOption(values.zone);
    const run = textOption(values.run);
    if (zone !== undefined && !zones.some((each) => each === zone))
      throw new UsageError(`--zone ${zone} is not one of ${zones.join(', ')}`);
    if (run !== undefined && !isRunId(run))
      throw new UsageError(`--run ${run} is not a run: starlift runs lists them`);
    const limit = parseLimit(values, shownObjects);
    return withSite(values, async (site) => {
      const selection = {
        tables: parseTableOption(textOption(values.table), site.model),
        zones: zones.filter((each) => zone === undefined || each === zone),
        run,
      };
      const { objects, hasMore } = await listZoneObjects(site, selection, { limit, now: new Date() });
      if (terminal.json) {
        terminal.result(JSON.stringify({ ok: true, objects: objects.map(describeObject), hasMore }));
        return 0;
      }
      if (objects.length === 0) {
        terminal.info(`There is no such object. ${commandFor(site, 'runs')} lists what was planned.`);
        return 0;
      }
      for (const line of formatTable(columns, objects.map(formatObject))) terminal.verbatim(line.trimEnd());
      if (hasMore) terminal.info(`There are more: --limit ${limit * 10} shows older ones.`);
      terminal.info(`The rows of one: ${commandFor(site, `cat ${objects[0]?.key} --limit 5`)}`);
      return 0;
    });
  },
};

const columns = [
  { name: 'put at' },
  { name: 'rows', align: 'right' },
  { name: 'bytes', align: 'right' },
  { name: 'key' },
] as const;

const formatObject = ({ putAt, rows, bytes, key }: ZoneObject): string[] => [
  formatTime(putAt),
  rows === null ? '?' : formatCount(rows),
  formatCount(bytes),
  key,
];

const describeObject = ({ quarantined: _, ...object }: CountedObject): ZoneObject => object;
