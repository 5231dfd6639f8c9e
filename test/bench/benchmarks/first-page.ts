import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connectToConsole } from '../../helpers/processes/console-client.ts';
import { finished, spawnStarlift } from '../../helpers/processes/starlift.ts';
import { seen } from '../../helpers/seen.ts';
import { type Benchmark, compare, withFolder } from '../benchmark.ts';
import { emptyFolder } from '../setup/empty-folder.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { freshDatabase } from '../setup/warehouses.ts';

export const benchmark: Benchmark = {
  name: 'first-page',
  about: '`starlift run --watch --console` on an empty folder, until the console has said how all is',
  isLong: true,
  run: async (context) => {
    const { servers, rows } = context;
    const source = await ordersDatabase(servers.source, rows);
    return withFolder(async (folder) => {
      const data = join(folder, 'data');
      const sinceStack: number[] = [];
      let end: () => Promise<unknown> = async () => {};
      const subject = {
        name: 'starlift run --console',
        prepare: async () => {
          await emptyFolder(data);
          await freshDatabase(servers.warehouse, 'shown');
        },
        run: async () => {
          const databases = ['--source', source, '--warehouse', servers.warehouse.url('shown')];
          const watch = spawnStarlift(['run', '--watch', '--console', ...databases, '--data', data]);
          const ended = finished(watch);
          end = () => {
            watch.kill('SIGINT');
            return ended;
          };
          let output = '';
          for (const stream of [watch.stdout, watch.stderr])
            stream?.on('data', (chunk) => {
              output += chunk;
            });
          const stack = seen(() => existsSync(join(data, 'stack.json'))).then(() => performance.now());
          const link = () => /http:\/\/127\.0\.0\.1:\d+\/#\S+/.exec(output)?.[0];
          const early = ended.then(({ code }) => {
            throw new Error(`it ended with ${code}:\n${output}`);
          });
          await Promise.race([seen(() => link() !== undefined), early]);
          early.catch(() => {});
          const shown = connectToConsole(link() ?? '');
          const { status } = await shown.send('/', { withToken: false });
          if (status !== 200) throw new Error(`the page was answered with ${status}`);
          await shown.untilSnapshot((snapshot) => snapshot.status !== null);
          sinceStack.push((performance.now() - (await stack)) / 1000);
        },
        check: async () => void (await end()),
      };
      const [result] = await compare('first-page', [subject], context, { rows });
      const median = sinceStack.slice(1).toSorted((a, b) => a - b)[Math.floor((sinceStack.length - 1) / 2)];
      return result === undefined
        ? []
        : [{ ...result, note: `${(median ?? 0).toFixed(2)} s of it from the stack on` }];
    });
  },
};
