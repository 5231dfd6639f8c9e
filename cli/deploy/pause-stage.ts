import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  DeleteFunctionConcurrencyCommand,
  GetFunctionConcurrencyCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { requestTimeouts } from '../../shared/aws-clients.ts';
import { makeObjectStore, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { findStage, stackNames } from '../site/stage/find-stage.ts';
import type { StageName } from '../site/stage/open-stage.ts';
import { forgetPaused, notePaused, readPausedSince } from '../site/stage/paused.ts';
import { findStageParts, type StageParts } from './stage-parts.ts';

export const describeMended = (functions: readonly string[]): string =>
  `The reserved concurrency of ${functions.join(', ')} was not as deployed, and is again.`;

interface Switchboard {
  parts: StageParts;
  ingested: ObjectStore;
  lambda: LambdaClient;
  eventBridge: EventBridgeClient;
}

/**
 * Stops what works by itself: schedules call nobody, and messages stay on their queues. What is under way ends by itself.
 *
 * @returns whether it was paused already
 */
export async function pauseStage(name: StageName): Promise<boolean> {
  const { parts, ingested, lambda, eventBridge } = await openSwitchboard(name);
  // First: status says so from here on, also where what follows is interrupted.
  const wasPaused = await notePaused(ingested, new Date());
  for (const Name of parts.schedules) await eventBridge.send(new DisableRuleCommand({ Name }));
  for (const UUID of parts.mappings) {
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
  }
  return wasPaused;
}

/**
 * Lets a stage work as its templates say, whatever has stopped it: a pause, a removal that was interrupted, or somebody in
 * the console.
 *
 * @returns the functions whose concurrency was not that of their template
 */
export async function resumeStage(name: StageName): Promise<string[]> {
  const switchboard = await openSwitchboard(name);
  const mended = await switchOn(switchboard);
  await forgetPaused(switchboard.ingested);
  return mended;
}

/** The same at the end of a deploy, unless the stage is paused. @returns undefined where it is, and stays so */
export async function mendStage(name: StageName): Promise<string[] | undefined> {
  const switchboard = await openSwitchboard(name);
  if ((await readPausedSince(switchboard.ingested)) !== undefined) return undefined;
  return switchOn(switchboard);
}

async function switchOn({ parts, lambda, eventBridge }: Switchboard): Promise<string[]> {
  const mended = await restoreConcurrency(lambda, parts);
  for (const UUID of parts.mappings) {
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
  }
  for (const Name of parts.schedules) await eventBridge.send(new EnableRuleCommand({ Name }));
  return mended;
}

async function restoreConcurrency(lambda: LambdaClient, { functions }: StageParts): Promise<string[]> {
  const mended = [];
  for (const { name, reserved } of functions) {
    const found = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: name }));
    if (found.ReservedConcurrentExecutions === reserved) continue;
    if (reserved === undefined)
      await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: name }));
    else {
      const input = { FunctionName: name, ReservedConcurrentExecutions: reserved };
      await lambda.send(new PutFunctionConcurrencyCommand(input));
    }
    mended.push(name);
  }
  return mended;
}

async function openSwitchboard({ stage, region }: StageName): Promise<Switchboard> {
  const options = { requestHandler: requestTimeouts, ...(region !== undefined && { region }) };
  const cloudFormation = new CloudFormationClient(options);
  const { ingestedBucket } = await findStage(cloudFormation, stage);
  return {
    parts: await findStageParts(cloudFormation, stackNames(stage)),
    ingested: makeObjectStore(new S3Client(options), ingestedBucket),
    lambda: new LambdaClient(options),
    eventBridge: new EventBridgeClient(options),
  };
}
