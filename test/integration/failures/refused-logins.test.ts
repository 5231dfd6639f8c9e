import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectPatiently } from '../../../cli/run/connect-named.ts';
import { type Pipeline, startPipeline } from '../../../cli/run/pipeline.ts';
import { watchSource } from '../../../cli/run/watch-source.ts';
import { listDeadLetters } from '../../../cli/site/embedded/embedded-queues.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';
import { connect, type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { totesys, totesysDefinition } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';
import { outageCauses, type Target } from '../../reliability/outages/outage-causes.ts';
import { findDifferences } from '../../reliability/silence/status-evidence.ts';

type Side = 'source' | 'warehouse';

const codes = ['28000', '28P01', '3D000', '53300', '57P03'];
const cases = outageCauses
  .filter(({ code }) => codes.includes(code))
  .flatMap((cause) => (['source', 'warehouse'] as const).map((side) => [cause.code, side, cause] as const));

describe('a database that refuses logins', () => {
  let servers: PostgresServer[];
  let databases: Databases;
  let targets: Record<Side, Target>;
  beforeAll(async () => {
    const [source, warehouse] = [await startTemporaryPostgres(), await startTemporaryPostgres()];
    servers = [source, warehouse];
    databases = await makeDatabases(source, warehouse);
    targets = {
      source: { server: source, database: 'shop', role: 'reader' },
      warehouse: { server: warehouse, database: 'warehouse', role: 'loader' },
    };
  });
  afterAll(async () => {
    await databases.end();
    for (const server of servers) await server.stop();
  });

  it('is known by each of the codes', () => {
    expect(cases.map(([code, side]) => `${code} ${side}`).toSorted()).toEqual(
      codes.flatMap((code) => [`${code} source`, `${code} warehouse`]).toSorted(),
    );
  });

  /** The test's own connections may have ended with the others. */
  async function reconnect(): Promise<void> {
    await databases.end().catch(() => {});
    databases.source = await connect(targets.source.server.url('shop'));
    databases.warehouse = await connect(targets.warehouse.server.url('warehouse'));
  }

  describe('at the start of a run', () => {
    it.each(cases)('with %s of the %s is waited out, and printed once', async (_code, side, cause) => {
      const lines: string[] = [];
      const end = await cause.begin(targets[side]);
      const connecting = connectPatiently(
        { source: databases.sourceUrl, warehouse: databases.warehouseUrl },
        totesys,
        { waitMs: 60_000, interrupted: new AbortController().signal, info: (line) => lines.push(line) },
      );
      await seen(() => lines.length > 0);
      expect(lines).toEqual([
        expect.stringMatching(new RegExp(`^! the ${side} at 127\\.0\\.0\\.1:\\d+ .+; waiting$`)),
      ]);
      await end();
      await (await connecting).end();
      // A server that is asked while it starts again refuses for that, which is another reason.
      const others = lines.slice(1).filter((line) => !line.includes('the database system is starting up'));
      expect(others).toEqual([expect.stringMatching(/^Connected after \d+ s\.$/)]);
      await reconnect();
    });
  });

  describe('in the middle of a watch', () => {
    const data = mkdtempSync(join(tmpdir(), 'starlift-refused-'));
    const output = new PassThrough();
    const terminal = makeTerminal(output, output, false);
    const interrupted = new AbortController();
    let text = '';
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const environment = { ...process.env };
    let pipeline: Pipeline;
    let watching: Promise<void>;
    beforeAll(async () => {
      Object.assign(process.env, { RETRY_LONGEST_SECONDS: '1', CONNECT_PATIENCE_MS: '100' });
      const { sourceUrl: source, warehouseUrl: warehouse } = databases;
      pipeline = await startPipeline({ data, source, warehouse, definition: totesysDefinition }, terminal);
      const options = { everySeconds: 0.5, interrupted: interrupted.signal, onReport: () => {} };
      watching = watchSource(pipeline, options, terminal);
      await seen(isExact);
    });
    afterAll(async () => {
      interrupted.abort();
      await watching;
      await pipeline.stop();
      process.env = environment;
      rmSync(data, { recursive: true, force: true });
    });

    const isExact = async () => (await findDifferences(databases.source, databases.warehouse)).length === 0;
    let change = 0;
    const changeSource = () =>
      databases.source.query(`update staff set first_name = 'Change ${++change}' where staff_id = 1`);

    it.each(cases)(
      'with %s of the %s costs no dead letter, and is printed once at its beginning and once at its end',
      async (code, side, cause) => {
        const from = text.length;
        const said = () => text.slice(from);
        const end = await cause.begin(targets[side]);
        try {
          if (side === 'warehouse') await changeSource();
          await seen(() => said().includes(`! the ${side} refuses: `));
          // Some causes end the sessions that there are: what was at work then is refused by 57P01 first.
          expect(said()).toMatch(new RegExp(`${code}|57P01`));
        } finally {
          // Otherwise one that fails takes the others along.
          await end();
          await reconnect();
        }
        if (side === 'source') await changeSource();
        await seen(() => said().includes(`The ${side} is back after `));
        await seen(isExact);
        expect(said().match(/ refuses: /g)).toHaveLength(1);
        expect(said().match(/ is back after /g)).toHaveLength(1);
        expect(await listDeadLetters(pipeline.stack.cloud.endpoint)).toEqual([]);
      },
    );
  });
});
