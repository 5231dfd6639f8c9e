import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { forgetRow } from '../../../cli/forget/forget.ts';
import { readObjectLines } from '../../../cli/objects/object-lines.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { transformObject } from '../../../services/transformation/transform/transform.ts';
import { parseKnownKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { makeReadLayout } from '../../../shared/records/plan/layout.ts';
import { connect, type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

const secret = 'Zaphod-Geheim';

describe('a row that is forgotten while work is under way', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  beforeEach(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    road = await startInlineRoad(databases);
  });
  afterEach(async () => {
    await road?.end();
    await databases?.end();
    await server?.stop();
  });

  const linesOf = async (zone: 'ingested' | 'processed'): Promise<string[]> => {
    const lines: string[] = [];
    for await (const { key } of road[zone].list('')) {
      const parsed = parseKnownKey(key);
      const object = parsed && (await road[zone].get(key));
      if (parsed !== undefined && object !== undefined)
        lines.push(...(await readObjectLines(parsed, key, object.body)).take());
    }
    return lines.filter((line) => line.includes(secret));
  };

  it('is gone from what a transform makes of an object that it had read before, and one that comes back stays', async () => {
    await road.run();
    const insert = (name: string) =>
      databases.source.query(`insert into staff select * from jsonb_populate_record(null::staff,
        (select to_jsonb(s) || '{"staff_id": 904, "first_name": "${name}", "email_address": "x"}' from staff s where staff_id = 1))`);
    await insert(secret);
    await road.stop('transform');
    await road.plan();
    await road.settle('extract');
    await databases.source.query('delete from staff where staff_id = 904');

    // A transform that has read the object, and takes its time.
    const queue = road.queueUrl('transform');
    const { Messages: [message] = [] } = await road.clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queue, WaitTimeSeconds: 5 }),
    );
    let ingestedKey = '';
    for await (const { key } of road.ingested.list('staff/')) ingestedKey = key;
    const read = await road.ingested.get(ingestedKey);
    const parsed = parseObjectKey(ingestedKey);
    if (read === undefined || parsed.zone !== 'ingested') throw new Error('nothing was extracted');
    expect(await linesOf('ingested')).toHaveLength(1);

    let hasWaited = false;
    const forgetting = forgetRow(
      {
        model: totesys,
        sqs: road.clients.sqs,
        queueUrl: road.queueUrl,
        quietSeconds: 0,
        activity: { isRunning: true, pid: undefined, endedUnexpectedly: false, everySeconds: undefined },
        ingested: road.ingested,
        processed: road.processed,
        connectWarehouse: () => connect(databases.warehouseUrl),
        connectSource: () => connect(databases.sourceUrl),
        warehouseSchema: 'public',
        selector: '',
      },
      { source: totesys.source('staff'), given: [{ field: 'staff_id', text: '904' }], withFacts: false },
      {
        onWait: () => {
          hasWaited = true;
        },
      },
    );
    await seen(async () => hasWaited);
    // Another person gets the key, whose row is read after the source was seen without it.
    await insert('Back');
    await road.plan();
    await road.settle('extract');
    await transformObject(parsed, {
      ingested: { get: async () => ({ ...read, body: Uint8Array.from(read.body) }) },
      processed: road.processed,
      readLayout: makeReadLayout(road.ingested),
      model: totesys,
      modelNumber: 1,
      notify: async () => {},
      warn: () => {},
    });
    expect(await linesOf('processed')).toHaveLength(1);
    await road.clients.sqs.send(
      new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: message?.ReceiptHandle }),
    );

    const { removed } = await forgetting;
    expect(removed).toMatchObject({ ingested: 1, processed: 1 });
    expect(await linesOf('ingested')).toEqual([]);
    expect(await linesOf('processed')).toEqual([]);
    await road.settle();
    const { source, warehouse } = databases;
    const { rows } = await warehouse.query('select first_name from dim_staff where staff_id = 904');
    expect(rows).toEqual([{ first_name: 'Back' }]);
    const report = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys });
    expect(report.ok).toBe(true);
    expect(await road.deadLetters()).toEqual([]);
  });
});
