import {
  InvokeCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { expect } from '@jest/globals';
import { fillSampleShop } from '../../models/totesys/sample/fill.ts';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { type Deployment, expectDone, startDeployment } from './deployment.ts';
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
  /** Lets messages be taken again, changes a dimension and a fact that names it, and plans. */
  goOn(): Promise<void>;
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
  const { aws, source, deployed } = deployment;
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
  const changeAndPlan = async () => {
    changes += 1;
    await source.admin.query(`
      update design set design_name = 'change ${changes}' where design_id <= 5;
      update sales_order set units_sold = units_sold + 1, last_updated = now() where sales_order_id <= 20`);
    const { FunctionError, Payload } = await deployed.lambda.send(
      new InvokeCommand({ FunctionName: `starlift-ingestion-${stage}-plan` }),
    );
    const answer = Buffer.from(Payload ?? []).toString();
    expect({ FunctionError, answer }).toEqual({ FunctionError: undefined, answer: expect.anything() });
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
    holdMessages: async () => {
      for (const kind of ['load', 'transform', 'extract'] as const) {
        await setTaken(kind, false);
        await changeAndPlan();
        const isHeld = async () => (await deployed.countMessages(deployed.queueUrl(kind))) > 0;
        await waitUntil(`messages are on the ${kind} queue`, 120, isHeld);
      }
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
