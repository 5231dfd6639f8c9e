import { availableParallelism } from 'node:os';
import type pg from 'pg';
import { isRunId, type RunId } from '../../shared/object-store/object-key.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { ensureWarehouse } from '../../shared/warehouse/ensure-warehouse.ts';
import { connect } from '../database/connect.ts';
import { bindFolder, findBinding } from '../embedded/bind.ts';
import type { DataFolder } from '../embedded/machine/data-folder.ts';
import { queueNames } from '../embedded/resources.ts';
import { type Services, startServices } from '../embedded/services.ts';
import { type Stack, type StackOptions, startStack } from '../embedded/stack.ts';
import { fillEmptyShop } from '../sample/fill-empty-shop.ts';
import { sliceOf } from '../site/dead-letter.ts';
import { inspectQueue, listDeadLetters } from '../site/embedded/embedded-queues.ts';
import type { WorkingStack } from '../site/embedded/embedded-site.ts';
import { listLoadedKeys, readClock } from '../site/ledger.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import { connectNamed, connectSource, type NamedConnections } from './connect-named.ts';
import { makeContinuityCheck } from './ledger-continuity.ts';
import { resumeWork } from './resume.ts';
import { formatServiceLog, isReportedByCommand } from './service-log.ts';

/** A stack with its services at work, which runs are made on until it is stopped. */
export interface Pipeline extends WorkingStack {
  /** Whether the warehouse is the one that was loaded: called before a plan, and when a run is done. */
  checkLedger(): Promise<void>;
  stop(): Promise<void>;
}

// A worker keeps one core busy, and the two databases about as much.
const coresPerWorker = 2;
const unfinishedFile = 'unfinished.json';
const throughFile = 'through.json';

interface WarehouseOptions {
  schema: string;
  foreignKeys: 'declared' | 'enforced';
}

export interface PipelineOptions extends StackOptions {
  /** To the databases of the user's own, where that has begun already. */
  named?: Promise<NamedConnections>;
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
      // It takes seconds, and the user is waiting.
      onMakeCluster: () => terminal.info(`Making the embedded databases in ${options.data}, once.`),
    });
    broken = stack.broken;
    let services: Services | undefined;
    let hasBegun = false;
    undo.push(() => stopWork(stack, services, () => hasBegun));
    // Workers take a moment to start: they do while the shop is filled and the warehouse is looked at.
    services = startStackServices(stack, model, terminal);
    if (stack.shopUrl !== undefined) await fillEmptyShop(stack.shopUrl, terminal);
    const warehouse = named.warehouse ?? (await connect(stack.warehouseUrl, 'warehouse'));
    const look = makeContinuityCheck({
      ingested: stack.ingested,
      sendMissing: () => sendMissing(stack, pipeline.warehouse),
      info: terminal.info,
    });
    const pipeline: Pipeline = {
      stack,
      services,
      warehouse,
      warehouseSchema: model.schema,
      countedUntil: '',
      checkLedger: () => look(pipeline.warehouse),
      stop,
      noteDrained: makeNoteDrained(stack.folder),
    };
    undo.push(() => pipeline.warehouse.end());
    const source = named.source ?? (await connectSource(stack.sourceUrl));
    await prepareDatabases(stack, { source, warehouse }, model).finally(() => source.end());
    await resumeWhatIsLost(stack, warehouse, terminal);
    await pipeline.checkLedger();
    // A power loss must not take this and leave what is sent from here on unaccounted for.
    stack.folder.writeJsonDurably(unfinishedFile, { pid: process.pid });
    hasBegun = true;
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

/**
 * Freeing a worker's memory takes as long as closing the cloud: neither waits for the other.
 *
 * The end is an orderly one only when the queues are closed: until then a power loss may take messages from their file.
 */
async function stopWork(
  stack: Stack,
  services: Services | undefined,
  hasBegun: () => boolean,
): Promise<void> {
  const noteEnd = () => {
    if (hasBegun() && !stack.broken.aborted) stack.folder.writeJson(unfinishedFile, null);
  };
  try {
    await services?.release();
  } finally {
    await Promise.all([services?.endWorkers(), stack.stop(noteEnd)]);
  }
}

const startStackServices = (stack: Stack, { schema, foreignKeys }: WarehouseOptions, terminal: Terminal) =>
  startServices(stack.cloud, {
    sourceRestart: stack.shopUrl === undefined ? 'identity' : 'trusted',
    warehouseSchema: schema,
    foreignKeys,
    workers: Math.max(1, Math.floor(availableParallelism() / coresPerWorker)),
    onLog: (line) => {
      // Why it is broken is what the command ends with; what fails of it meanwhile says nothing more.
      if (stack.broken.aborted) return;
      if (process.env.STARLIFT_DEBUG) terminal.info(line);
      else if (!isReportedByCommand(line)) terminal.info(formatServiceLog(line));
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

/** After an orderly end the queues hold all that is under way, unless their database is another one since. */
async function resumeWhatIsLost(stack: Stack, warehouse: pg.Client, terminal: Terminal): Promise<void> {
  const { cloud, folder } = stack;
  const isUnfinished = (folder.readJson(unfinishedFile) ?? null) !== null;
  if (!isUnfinished && cloud.areQueuesAccountedFor()) return;
  const sent = await sendMissing(stack, warehouse);
  // What was sent is on the queues; a run that dies before this does it once more.
  cloud.noteQueuesAccountedFor();
  const count = `${formatCount(sent)} ${sent === 1 ? 'message' : 'messages'} sent again`;
  if (isUnfinished) terminal.info(`The last run ended unexpectedly: carrying on (${count}).`);
  else if (sent > 0) terminal.info(`The queues of ${folder.path} are new: carrying on (${count}).`);
}

/** Sends again what is in no later step and on no queue. @returns the number of messages */
async function sendMissing(stack: Stack, warehouse: pg.Client): Promise<number> {
  const { cloud, folder, clients } = stack;
  const dead = await listDeadLetters(cloud.endpoint);
  const queued = await inspectQueue(cloud.endpoint, cloud.queueUrl(queueNames.extract));
  const extracts = [...queued, ...dead.filter(({ queue }) => queue === 'extract')];
  return resumeWork(
    {
      ingested: stack.ingested,
      processed: stack.processed,
      loadedKeys: await listLoadedKeys(warehouse),
      deadKeys: new Set(dead.flatMap(({ key }) => key ?? [])),
      queuedSlices: extracts.flatMap(({ body }) => sliceOf(body) ?? []),
      throughRun: readThrough(folder),
      model: starSchema,
    },
    {
      sqs: clients.sqs,
      extractQueueUrl: cloud.queueUrl(queueNames.extract),
      transformQueueUrl: cloud.queueUrl(queueNames.transform),
      loadQueueUrl: cloud.queueUrl(queueNames.load),
    },
  );
}

/** Runs may follow each other in less than a second, and a run that carries on looks back for an hour more. */
const noteEveryMs = 60_000;

/**
 * Makes the function that notes in the folder that the queues were empty after a run, its failures recorded: a run that
 * carries on would else read the records of all runs that no sweep has looked at, one for each change.
 */
export function makeNoteDrained(folder: DataFolder): (run: RunId) => void {
  let dueAt = Number.NEGATIVE_INFINITY;
  return (run) => {
    if (performance.now() < dueAt) return;
    dueAt = performance.now() + noteEveryMs;
    folder.writeJson(throughFile, { run });
  };
}

/** @returns undefined when unknown: a file that a power loss left empty must not stop a run */
function readThrough(folder: DataFolder): RunId | undefined {
  try {
    const { run } = Object(folder.readJson(throughFile)) as { run?: unknown };
    return typeof run === 'string' && isRunId(run) ? run : undefined;
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
