import { readdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type CommandName, commandTable } from '../../../../cli/help/command-table.ts';
import { putSecret } from '../../../../cli/site/stage/put-secret.ts';
import type { Status } from '../../../../cli/status/status.ts';
import { makeTerminal } from '../../../../cli/terminal/terminal.ts';
import { RefusedError } from '../../../../shared/errors.ts';
import { beginOutage } from '../../../../shared/records/outages.ts';
import { notePlanAttempt } from '../../../../shared/records/plan/plan-attempts.ts';
import { putRetrying } from '../../../../shared/records/retrying.ts';
import { totesys } from '../../../helpers/models/totesys.ts';
import { OperatedStack } from '../operated-stack.ts';
import { type StackAsStage, stage, startStackAsStage } from './stack-as-stage.ts';

const folder = fileURLToPath(new URL('../../../../docs/json/', import.meta.url));
const suffix = '.schema.json';
const commands = Object.entries(commandTable).flatMap(([name, { options }]) =>
  'json' in options ? [name as CommandName] : [],
);

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);

/** What the schema of a command has against an output of it. */
function objections(name: string, output: unknown): string[] {
  const schema = JSON.parse(readFileSync(`${folder}${name}${suffix}`, 'utf8')) as object;
  const validate = ajv.compile(schema);
  if (validate(output)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** Every value that an object has at any depth, without those of an empty list. */
function leavesOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(leavesOf);
}

describe('--json', () => {
  it('has a schema for each command that takes it, and for no other', () => {
    const schemas = readdirSync(folder).map((file) => file.slice(0, -suffix.length));
    expect(schemas.sort()).toEqual([...commands].sort());
  });

  it('has a line in the documentation for each of them', () => {
    const documentation = readFileSync(new URL('../../../../docs/json.md', import.meta.url), 'utf8');
    for (const name of commands) expect(documentation).toContain(`(json/${name}${suffix})`);
  });

  describe('on a stage where something of every kind needs attention', () => {
    let staged: StackAsStage;
    beforeAll(async () => {
      staged = await startStackAsStage(await OperatedStack.startLoaded());
      const { stack } = staged;
      await stack.source(`
        alter table counterparty drop constraint counterparty_legal_address_id_fkey;
        insert into counterparty select 901, 'Nowhere Ltd', 99999, null, null, now(), now();
        update sales_order set counterparty_id = 901, last_updated = now() where sales_order_id in (1, 2);
        update payment set payment_date = 'soon' where payment_id = 5`);
      await stack.run();
      const { sqs, queueUrl } = stack.site;
      for (const queue of ['transform', 'load'] as const) {
        await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl(queue), MessageBody: 'not JSON' }));
      }
      await stack.run();
      await stack.source('delete from payment where payment_id = 7');
      await stack.command('forget', '--table', 'dim_design', '--key', '99999');
      await stack.warehouse(`
        update dim_staff set last_name = 'x', location = null where staff_id = 1;
        delete from fact_sales_order where sales_order_id = 9;
        update starlift.census set state = 'held', reason = 'all 3 keys are gone' where warehouse_table = 'fact_payment'`);
    });
    afterAll(() => staged?.stop());

    /** In this order, for they change what there is. */
    const lines = [
      'status',
      'verify',
      'objects --limit 7',
      'cat OBJECT --limit 2',
      'runs',
      'runs show last',
      'trace fact_sales_order 1',
      'trace fact_payment 5',
      'trace dim_design 3',
      'failures',
      'failures drop --queue load --dry-run',
      'failures drop --queue load',
      'redrive --dry-run',
      'redrive',
      'quarantine',
      'quarantine release --table counterparty',
      'quarantine drop --table payment',
      'waiting',
      'forget --list',
      'expire --all --older-than 400d',
      'deletes',
      'deletes apply --table fact_payment',
      'waiting --drop --table sales_order',
      'replay --table dim_staff --dry-run',
      'replay --table staff --zone ingested',
      'rebuild dim_staff fact_payment dim_date',
      'resync --table dim_design',
      'resync',
      'migrate',
      'publish',
      'sql select(1),null::text,array[1]',
      'run',
      'status',
    ];
    const anyObject = async () => {
      for await (const { key } of staged.stack.site.processed.list('fact_payment/')) return key;
      throw new Error('there is no object');
    };
    const checkLine = async (line: string) => {
      // So that verify has a table that it cannot compare.
      const rename = (from: string, to: string) =>
        staged.stack.warehouse(`alter table dim_design rename ${from} to ${to}`);
      if (line.startsWith('verify')) await rename('file_name', 'file');
      const { code: _, ...output } = await staged.json(line.replace('OBJECT', await anyObject()));
      if (line.startsWith('verify')) await rename('file', 'file_name');
      const [name = ''] = line.split(' ');
      const fieldMore = { ...output, another: 1 };
      const fieldLess = Object.fromEntries(Object.entries(output).slice(1));
      expect({
        line,
        objections: objections(name, output),
        // An empty list fits any schema.
        isFilled: leavesOf(output).length > 2,
        takesMore: objections(name, fieldMore).length === 0,
        takesLess: objections(name, fieldLess).length === 0,
      }).toEqual({ line, objections: [], isFilled: true, takesMore: false, takesLess: false });
    };

    const checkStatusWhileSidesAreOut = async () => {
      const { ingested } = staged.stack.site;
      const [at, reason] = [new Date(), 'it does not answer'];
      const now = at.toISOString();
      await notePlanAttempt(ingested, at, { error: new RefusedError(reason, { by: 'source' }) });
      await beginOutage(ingested, { side: 'source', since: now, reason });
      await beginOutage(ingested, {
        side: 'warehouse',
        since: now,
        reason,
        message: 'state/retrying/load/a.json',
      });
      const failed = {
        attempts: 1,
        error: 'TransientError',
        reason,
        waitingSince: now,
        triedAt: now,
        nextAt: now,
      };
      await putRetrying(ingested, 'one', { queue: 'extract', ...failed });
      const ofTable = { table: 'fact_payment', key: 'fact_payment/a.parquet', by: 'warehouse' } as const;
      await putRetrying(ingested, 'another', { queue: 'load', ...ofTable, ...failed });
      const { code: _, ...output } = await staged.json<Status>('status --max-lag 15m');
      expect(objections('status', output)).toEqual([]);
      expect(output).toMatchObject({
        plan: { failure: { by: 'source' } },
        maxLagSeconds: 900,
        outages: [{ side: 'source' }, { side: 'warehouse' }],
        verified: { exact: false },
      });
      expect(output.retrying).toHaveLength(2);
    };

    const checkRebind = async () => {
      await staged.stack.warehouse(`update starlift.binding set ingested_bucket = 'of-another-stage'`);
      for (const outcome of ['bound', 'as before']) {
        const { code: _, ...rebound } = await staged.json('rebind --yes');
        expect(rebound).toEqual({ ok: true, outcome });
        expect(objections('rebind', rebound)).toEqual([]);
        expect(objections('rebind', { ...rebound, another: 1 })).not.toEqual([]);
        expect(objections('rebind', { outcome })).not.toEqual([]);
      }
    };

    const checkSecretsPut = async () => {
      const output = new PassThrough();
      const url = 'postgres://loader:s3cret@db.example/warehouse';
      await putSecret(
        stage,
        'warehouse',
        { readUrl: async () => url },
        makeTerminal(output, output, true),
        async () => totesys,
      );
      const secret: unknown = JSON.parse(String(output.read()));
      expect(objections('secrets', secret)).toEqual([]);
    };

    it('is as its schema says, one command after the other, for each changes what the next one finds', async () => {
      for (const line of lines) await checkLine(line);
      await checkStatusWhileSidesAreOut();
      await checkRebind();
      // Last: the stage's secret then names another warehouse.
      await checkSecretsPut();
    });

    it('is tested for every command', () => {
      const tested = new Set([...lines.map((line) => line.split(' ')[0]), 'rebind', 'secrets']);
      expect([...tested].sort()).toEqual([...commands].sort());
    });
  });
});
