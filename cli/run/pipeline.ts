import { availableParallelism } from 'node:os';
import type pg from 'pg';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { ensureWarehouse } from '../../shared/warehouse/ensure-warehouse.ts';
import { connect } from '../connect.ts';
import { bindFolder, findBinding } from '../embedded/bind.ts';
import { listDeadLetters } from '../embedded/dead-letters.ts';
import { queueNames } from '../embedded/resources.ts';
import { resumeWork } from '../embedded/resume.ts';
import { fillEmptyShop } from '../embedded/sample/fill-empty-shop.ts';
import { type Services, startServices } from '../embedded/services.ts';
import { type Stack, type StackOptions, startStack } from '../embedded/stack.ts';
import type { SpareWorker } from '../embedded/workers/worker-process.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { connectNamed, connectSource, type NamedConnections } from './connect-named.ts';
import { listLoadedKeys, readClock } from './ledger.ts';
import { formatServiceLog, isToldByCommand } from './service-log.ts';

/** A stack with its services at work, and a connection to look into the warehouse. */
export interface Pipeline {
  stack: Stack;
  services: Services;
  /** Another one after a reconnect. */
  warehouse: pg.Client;
  warehouseSchema: string;
  /** Up to when reports have counted what was loaded, by the warehouse's clock. */
  countedUntil: string;
  stop(): Promise<void>;
}

// A worker keeps one core busy, and the two databases about as much.
const coresPerWorker = 2;
const unfinishedFile = 'unfinished.json';

interface WarehouseOptions {
  schema: string;
  foreignKeys: 'declared' | 'enforced';
}

export interface PipelineOptions extends StackOptions {
  /** To the databases of the user's own, where that has begun already. */
  named?: Promise<NamedConnections>;
  /** A worker that was started ahead. */
  spare?: SpareWorker;
}

/**
 * Starts everything that a run needs. Whatever cannot work is found before anything is written.
 *
 * @throws {UsageError | StackError | TerminalError} one line that names what is wrong
 */
export async function startPipeline(options: PipelineOptions, terminal: Terminal): Promise<Pipeline> {
  const model = readWarehouseOptions(process.env);
  const named = await (options.named ?? connectNamed(options));
  const undo: (() => Promise<unknown>)[] = [() => named.end()];
  const stop = () => undoAll(undo);
  let broken: AbortSignal | undefined;
  try {
    const stack = await startStack({
      ...options,
      // It takes seconds that somebody watches.
      onMakeCluster: () => terminal.info(`Making the embedded databases in ${options.data}, once.`),
    });
    broken = stack.broken;
    let services: Services | undefined;
    undo.push(() => stopWork(stack, services));
    // Workers take a moment to start: they do while the shop is filled and the warehouse is looked at.
    services = startStackServices(stack, model, options, terminal);
    if (stack.shopUrl !== undefined) await fillEmptyShop(stack.shopUrl, terminal);
    const warehouse = named.warehouse ?? (await connect(stack.warehouseUrl, 'warehouse'));
    const pipeline = { stack, services, warehouse, warehouseSchema: model.schema, countedUntil: '', stop };
    undo.push(() => pipeline.warehouse.end());
    const source = named.source ?? (await connectSource(stack.sourceUrl));
    await prepareDatabases(stack, { source, warehouse }, model).finally(() => source.end());
    await resumeAfterKill(stack, warehouse, terminal);
    stack.folder.writeJson(unfinishedFile, { pid: process.pid });
    undo.push(async () => stack.broken.aborted || stack.folder.writeJson(unfinishedFile, null));
    // What a killed run has left is loaded from here on, and counts for the first report.
    pipeline.countedUntil = await readClock(warehouse);
    services.start();
    return pipeline;
  } catch (error) {
    const reason = broken?.aborted === true ? broken.reason : error;
    await stop().catch((failure: unknown) => {
      // On a full disk more fails, for the same reason.
      if (broken?.aborted !== true) throw failure;
    });
    throw reason;
  }
}

function readWarehouseOptions({
  WAREHOUSE_SCHEMA,
  WAREHOUSE_FOREIGN_KEYS,
}: NodeJS.ProcessEnv): WarehouseOptions {
  const [schema, foreignKeys] = [WAREHOUSE_SCHEMA || 'public', WAREHOUSE_FOREIGN_KEYS || 'declared'];
  if (foreignKeys === 'declared' || foreignKeys === 'enforced') return { schema, foreignKeys };
  throw new UsageError(`WAREHOUSE_FOREIGN_KEYS is ${foreignKeys}: use declared or enforced`);
}

/** The last thing done first. One that cannot be undone does not keep the others from it. */
async function undoAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.toReversed()) {
    await step().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** A worker's memory takes as long to be given back as the cloud to close, 20 ms: neither waits for the other. */
async function stopWork(stack: Stack, services: Services | undefined): Promise<void> {
  try {
    await services?.release();
  } finally {
    await Promise.all([services?.endWorkers(), stack.stop()]);
  }
}

const startStackServices = (
  stack: Stack,
  { schema, foreignKeys }: WarehouseOptions,
  { spare }: PipelineOptions,
  terminal: Terminal,
) =>
  startServices(stack.cloud, {
    sourceRestart: stack.shopUrl === undefined ? 'identity' : 'trusted',
    warehouseSchema: schema,
    foreignKeys,
    workers: Math.max(1, Math.floor(availableParallelism() / coresPerWorker)),
    ...(spare && { spare }),
    onLog: (line) => {
      // Why it is broken is what the command ends with; what fails of it meanwhile says nothing more.
      if (stack.broken.aborted) return;
      if (process.env.STARLIFT_DEBUG) terminal.info(line);
      else if (!isToldByCommand(line)) terminal.info(formatServiceLog(line));
    },
  });

async function prepareDatabases(
  stack: Stack,
  { source, warehouse }: { source: pg.Client; warehouse: pg.Client },
  options: WarehouseOptions,
): Promise<void> {
  const binding = await findBinding(stack, source, warehouse);
  await ensureWarehouse(warehouse, starSchema, { ...options, deferKeys: true });
  await bindFolder(stack.folder, binding, warehouse);
}

async function resumeAfterKill(stack: Stack, warehouse: pg.Client, terminal: Terminal): Promise<void> {
  const unfinished = stack.folder.readJson(unfinishedFile);
  if (unfinished === undefined || unfinished === null) return;
  const dead = await listDeadLetters(stack.cloud.endpoint);
  const sent = await resumeWork({
    ...stack,
    sqs: stack.clients.sqs,
    transformQueueUrl: stack.cloud.queueUrl(queueNames.transform),
    loadQueueUrl: stack.cloud.queueUrl(queueNames.load),
    loadedKeys: await listLoadedKeys(warehouse),
    deadKeys: new Set(dead.flatMap(({ key }) => key ?? [])),
    model: starSchema,
  });
  terminal.info(`The last run ended unexpectedly: carrying on (${sent} objects sent again).`);
}
