import { parseKnownKey } from '../../shared/object-store/object-key.ts';
import { readObjectLines } from '../objects/object-lines.ts';
import { parseLimit } from '../options/limit-option.ts';
import { withSite } from '../options/site-options.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, [name, surplus], terminal) => {
    if (name === undefined || surplus !== undefined)
      throw new UsageError('cat takes the key of one object: starlift objects lists them');
    const key = parseKnownKey(name);
    if (key === undefined)
      throw new UsageError(`${name} is not the key of an object: starlift objects lists them`);
    const limit = parseLimit(values, Number.POSITIVE_INFINITY);
    return withSite(values, async (site) => {
      const { zone, table } = key;
      const object = await site[zone].get(name);
      if (object === undefined) throw new UsageError(`the ${zone} zone has no object ${name}`);
      const lines = await readObjectLines(key, name, object.body);
      if (!terminal.json) {
        for (const line of lines.take(limit)) terminal.result(line);
        return 0;
      }
      const head = JSON.stringify({ ok: true, key: name, zone, table, rows: lines.count });
      // As they are: a parser of JavaScript would round great numbers.
      terminal.result(`${head.slice(0, -1)},"lines":[${[...lines.take(limit)].join(',')}]}`);
      return 0;
    });
  },
};
