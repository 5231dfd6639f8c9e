import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { expect } from '@jest/globals';
import type { Status } from '../../cli/status/status.ts';
import { fillSampleShop } from '../../models/totesys/sample/fill.ts';
import { captureStateKey } from '../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { readCaptureState } from '../../shared/records/plan/capture-state.ts';
import { type Deployment, expectDone, startDeployment } from './deployment.ts';
import { region } from './ministack.ts';
import { openRelease } from './older-release.ts';
import { deployService, runProgram } from './serverless.ts';
import { waitUntil } from './wait-until.ts';

// What stages.yml has parameters for.
const stage = 'ci';
const noDeadLetters = { extract: 0, transform: 0, load: 0 };
const takerOf: Record<QueueKind, string> = {
  extract: `starlift-ingestion-${stage}-extract`,
  transform: `starlift-transformation-${stage}-transform`,
  load: `starlift-loading-${stage}-load`,
};
const planFunction = `starlift-ingestion-${stage}-plan`;
const queueOf = { ingestion: 'extract', transformation: 'transform', loading: 'load' } as const;

/** Of a row of design that no other names. */
const comingAndGoing = 9999;

export type Service = 'ingestion' | 'transformation' | 'loading';

/** A stage of which each service is of one release or of another. */
export interface BetweenReleases {
  deployment: Deployment;
  /** Deploys one service of the older release, or of this one. */
  deploy(service: Service, release: 'older' | 'this'): Promise<void>;
  /** A command of the older release. */
  olderCommand(args: string, input?: string): Promise<void>;
  /** Leaves messages and objects of the release that is there on each of the three queues, and nobody takes them. */
  holdMessages(): Promise<void>;
  /** Has a row inserted, loaded, deleted, and marked as deleted. */
  markDeleted(): Promise<void>;
  /** Inserts that row again. */
  bringBack(): Promise<void>;
  /** The same as holdMessages, with an order among those on the extract queue to look for rows that were deleted. */
  holdCensus(): Promise<void>;
  /** Lets the messages of a service be taken again, that of its queue alone. */
  take(service: Service): Promise<void>;
  /** Lets messages be taken again, changes a dimension and a fact that names it, and plans. */
  goOn(): Promise<void>;
  /** Changes the source, deletes a row in it, and plans. @returns why the plan has failed; undefined where it has not */
  tryPlan(): Promise<string | undefined>;
  /** What docs/deploy.md says to do for an older release to plan. */
  deleteCaptureState(): Promise<void>;
  /** Has this release's plans look for deletes at once, and not once in a quarter of an hour. */
  lookForDeletesAtOnce(): Promise<void>;
  /** Waits until the last change of a dimension is in the warehouse, whichever release brings it. */
  waitUntilChanged(): Promise<void>;
  /** `status` finds nothing only where `verify` finds nothing wrong. @returns whether it finds nothing */
  expectNeverGreenWhileWrong(): Promise<boolean>;
  /** Nothing is lost, has failed for good, or lies in quarantine. */
  expectWhole(): Promise<void>;
  /** What cannot be done yet waits: this release's loading needs the model that its ingestion publishes. */
  expectNoneFailed(): Promise<void>;
  stop(): Promise<void>;
}

/** @param commit of the older release */
export async function startBetween(commit: string): Promise<BetweenReleases> {
  const older = await openRelease(commit);
  const deployment = await startDeployment(stage, ({ admin }) => fillSampleShop(admin, { orders: 100 }));
  const { aws, source, warehouse, deployed } = deployment;
  const { environment } = aws;
  let changes = 0;

  const setTaken = async (kind: QueueKind, Enabled: boolean) => {
    const { EventSourceMappings = [] } = await deployed.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: takerOf[kind] }),
    );
    expect(EventSourceMappings).toHaveLength(1);
    for (const { UUID } of EventSourceMappings)
      await deployed.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
  };
  const invoke = async (FunctionName: string) => {
    const { FunctionError, Payload } = await deployed.lambda.send(new InvokeCommand({ FunctionName }));
    return { FunctionError, answer: Buffer.from(Payload ?? []).toString() };
  };
  const change = async () => {
    changes += 1;
    await source.admin.query(`
      update design set design_name = 'change ${changes}' where design_id <= 5;
      update sales_order set units_sold = units_sold + 1, last_updated = now() where sales_order_id <= 20`);
  };
  const insertDesign = async () => {
    await source.admin.query(
      `insert into design values (${comingAndGoing}, 'It comes and goes', '/', 'f', now(), now())`,
    );
  };
  const deletePayment = async () => {
    await source.admin.query('delete from payment where payment_id = (select min(payment_id) from payment)');
    // Else the server counts it some seconds later.
    await source.admin.query('select pg_stat_force_next_flush()');
  };
  const changeAndPlan = async () => {
    await change();
    expect(await invoke(planFunction)).toEqual({ FunctionError: undefined, answer: expect.anything() });
  };
  const holdMessages = async () => {
    for (const kind of ['load', 'transform', 'extract'] as const) {
      await setTaken(kind, false);
      await changeAndPlan();
      const isHeld = async () => (await deployed.countMessages(deployed.queueUrl(kind))) > 0;
      await waitUntil(`messages are on the ${kind} queue`, 120, isHeld);
    }
  };
  const s3 = new S3Client({
    ...{ endpoint: aws.endpoint, region, forcePathStyle: true },
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const ingested = makeObjectStore(s3, `starlift-${stage}-ingested-000000000000-${region}`);
  const lookForDeletesAtOnce = async () => {
    const { Environment } = await deployed.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: planFunction }),
    );
    const Variables = { ...Environment?.Variables, CENSUS_FLOOR_SECONDS: '0' };
    await deployed.lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: planFunction, Environment: { Variables } }),
    );
  };

  return {
    deployment,
    deploy: async (service, release) =>
      expectDone(
        await deployService(
          service,
          ['--stage', stage],
          environment,
          release === 'older' ? older.root : undefined,
        ),
      ),
    olderCommand: async (args, input = '') => {
      const options = { environment, root: older.root, input };
      expectDone(await runProgram('cli/starlift.js', [...args.split(' '), '--stage', stage], options));
    },
    holdMessages,
    markDeleted: async () => {
      // It writes down which tables are loaded in whole; the others' deletes are not looked for yet.
      expect(await invoke(`starlift-loading-${stage}-sweep`)).toMatchObject({ FunctionError: undefined });
      await lookForDeletesAtOnce();
      await insertDesign();
      expect(await deployed.json('run')).toMatchObject({ code: 0 });
      await source.admin.query(`delete from design where design_id = ${comingAndGoing}`);
      await source.admin.query('select pg_stat_force_next_flush()');
      expect(await deployed.json('run')).toMatchObject({ code: 0 });
      const marked = `select from dim_design where design_id = ${comingAndGoing} and _deleted_by is not null`;
      expect((await warehouse.admin.query(marked)).rows).toHaveLength(1);
    },
    bringBack: insertDesign,
    holdCensus: async () => {
      await holdMessages();
      await waitUntil('a census of payments is on the extract queue', 120, async () => {
        await deletePayment();
        await changeAndPlan();
        return (await readCaptureState(ingested))?.state.censuses?.payment?.sent !== undefined;
      });
    },
    take: (service) => setTaken(queueOf[service], true),
    tryPlan: async () => {
      await change();
      await deletePayment();
      const { FunctionError, answer } = await invoke(planFunction);
      return FunctionError === undefined ? undefined : answer;
    },
    lookForDeletesAtOnce,
    deleteCaptureState: () => ingested.delete(captureStateKey),
    waitUntilChanged: async () => {
      const last = `select from dim_design where design_id = 1 and design_name = 'change ${changes}'`;
      const isThere = async () => (await warehouse.admin.query(last)).rows.length === 1;
      await waitUntil('the last change is in the warehouse', 120, isThere);
    },
    expectNeverGreenWhileWrong: async () => {
      const { code } = await deployed.json<Status>('status');
      if (code !== 0) return false;
      // What was deleted after the last look for deletes is late, and not wrong: the last step has it complete.
      expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true });
      return true;
    },
    goOn: async () => {
      for (const kind of queueKinds) await setTaken(kind, true);
      await changeAndPlan();
    },
    expectWhole: async () => {
      await deployed.waitUntilLoaded(240);
      expect(await deployed.deadLetters()).toEqual(noDeadLetters);
    },
    expectNoneFailed: async () => {
      expect(await deployed.deadLetters()).toEqual(noDeadLetters);
    },
    stop: async () => {
      await deployment.stop();
      await older.remove();
    },
  };
}
