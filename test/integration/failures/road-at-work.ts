import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServices } from '../../../cli/embedded/services.ts';
import { type Stack, startStack } from '../../../cli/embedded/stack.ts';
import { redrive } from '../../../cli/failures/redrive.ts';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import { runOnce } from '../../../cli/run/run-once.ts';
import type { DeadLetter } from '../../../cli/site/dead-letter.ts';
import { isDrained, listDeadLetters } from '../../../cli/site/embedded/embedded-queues.ts';
import {
  makeEmbeddedSite,
  openEmbeddedSite,
  type WorkingStack,
} from '../../../cli/site/embedded/embedded-site.ts';
import { readClock } from '../../../cli/site/ledger.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { connect } from '../../helpers/inline-road/databases.ts';
import { totesys, totesysDefinition } from '../../helpers/models/totesys.ts';
import { seen } from '../../helpers/seen.ts';

/** The stack and its services as `starlift run` has them at work, in processes of their own. */
export interface RoadAtWork {
  stack: Stack;
  /** All lines that the services have written. */
  log: string[];
  plan(): Promise<unknown>;
  run(): Promise<RunReport>;
  /** Waits until the queues are empty. */
  settle(): Promise<DeadLetter[]>;
  redrive(): Promise<unknown>;
  /** The details of all events of a type, oldest first. */
  events(type: string): Record<string, unknown>[];
  /** All that lies in the data folder's event file. */
  eventFile(): Promise<string>;
  stop(): Promise<void>;
}

export async function startRoadAtWork(urls: {
  sourceUrl: string;
  warehouseUrl: string;
}): Promise<RoadAtWork> {
  const data = await mkdtemp(join(tmpdir(), 'starlift-at-work-'));
  await chmod(data, 0o711);
  const stack = await startStack({ data, source: urls.sourceUrl, warehouse: urls.warehouseUrl });
  const warehouse = await connect(urls.warehouseUrl);
  const log: string[] = [];
  const model = { schema: 'public', foreignKeys: 'declared' } as const;
  await ensureWarehouse(warehouse, totesys, model);
  const services = startServices(stack.cloud, {
    sourceRestart: 'identity',
    warehouseSchema: model.schema,
    foreignKeys: model.foreignKeys,
    workers: 2,
    onLog: (line) => log.push(line),
  });
  const stop = async () => {
    await services.release();
    await services.endWorkers();
    await warehouse.end();
    await stack.stop();
    await rm(data, { recursive: true, force: true });
  };
  const countedUntil = await readClock(warehouse);
  const noteDrained = () => {};
  await publishModel(stack.ingested, totesysDefinition);
  const working: WorkingStack = {
    stack,
    model: totesys,
    services,
    warehouse,
    warehouseSchema: 'public',
    countedUntil,
    noteDrained,
  };
  services.start();
  return {
    stack,
    log,
    stop,
    plan: () => services.plan(),
    run: () => runOnce(makeEmbeddedSite(working), undefined),
    settle: async () => {
      await seen(() => isDrained(stack.cloud));
      return listDeadLetters(stack.cloud.endpoint);
    },
    redrive: async () => {
      const site = await openEmbeddedSite({ data, loadModel: async () => totesys });
      try {
        return await redrive(site, {});
      } finally {
        await site.release();
      }
    },
    events: (type) =>
      stack.cloud
        .events()
        .filter(({ DetailType }) => DetailType === type)
        .map(({ Detail = '{}' }) => JSON.parse(Detail) as Record<string, unknown>),
    eventFile: () => readFile(join(data, 'cloud', 'events.ndjson'), 'utf8').catch(() => ''),
  };
}
