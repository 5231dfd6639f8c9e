import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fillSampleShop } from '../../models/totesys/sample/fill.ts';
import type { Expiry } from '../../services/loading/expire/expire-objects.ts';
import { makeObjectStore, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { type Deployment, expectDone, startDeployment } from './deployment.ts';
import { region } from './ministack.ts';
import { deployService } from './serverless.ts';
import { waitUntil } from './wait-until.ts';

const stage = 'ci';
const services = ['ingestion', 'transformation', 'loading'];
const expireFunction = { FunctionName: `starlift-loading-${stage}-expire` };
/** The function's clock alone is ahead. */
const inHundredDays = `--import=data:text/javascript,${encodeURIComponent(
  'const now = Date.now; Date.now = () => now() + 100 * 86400000',
)}`;

describe('a stage whose objects expire', () => {
  let deployment: Deployment;
  let aws: Deployment['aws'];
  let source: Deployment['source'];
  let deployed: Deployment['deployed'];
  let ingested: ObjectStore;
  let processed: ObjectStore;

  beforeAll(async () => {
    deployment = await startDeployment(stage, ({ admin }) => fillSampleShop(admin, { orders: 100 }));
    ({ aws, source, deployed } = deployment);
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const s3 = new S3Client({ endpoint: aws.endpoint, region, credentials, forcePathStyle: true });
    const bucket = (zone: string) => makeObjectStore(s3, `starlift-${stage}-${zone}-000000000000-${region}`);
    [ingested, processed] = [bucket('ingested'), bucket('processed')];
  });
  afterAll(() => deployment?.stop());

  const deploy = (service: string, expireAfterDays: string) =>
    deployService(
      service,
      ['--stage', stage, '--param', `expireAfterDays=${expireAfterDays}`],
      aws.environment,
    );
  const keysOf = async (store: ObjectStore, prefix: string) => {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys;
  };
  const invoke = async (): Promise<Expiry> => {
    const { Payload, FunctionError } = await deployed.lambda.send(new InvokeCommand(expireFunction));
    const text = Buffer.from(Payload ?? []).toString();
    if (FunctionError !== undefined) throw new Error(text);
    return JSON.parse(text) as Expiry;
  };
  const switchLoads = async (Enabled: boolean) => {
    const FunctionName = `starlift-loading-${stage}-load`;
    const { EventSourceMappings = [] } = await deployed.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName }),
    );
    for (const { UUID } of EventSourceMappings)
      await deployed.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
  };

  it('is refused for a table that there is not, and for too few days, before anything is made', async () => {
    const unknown = await deploy('ingestion', 'paiment=90');
    expect(unknown.code).toBe(1);
    expect(unknown.stdout + unknown.stderr).toContain(
      'the parameter expireAfterDays names paiment, but the model has no such source table; it has ',
    );
    const short = await deploy('ingestion', '800,payment=30');
    expect(short.code).toBe(1);
    expect(short.stdout + short.stderr).toContain(
      'the parameter expireAfterDays is "800,payment=30": it has to be empty or days from 31 on',
    );
    expect(await deployed.command('status')).toMatchObject({
      stderr: expect.stringContaining(`there is no stage ${stage}`),
    });
  });

  it('deletes by its own role what is old and loaded, and keeps what is not loaded, bad, or of a table with more days', async () => {
    for (const service of services) expectDone(await deploy(service, '31,payment=400'));
    await deployed.putSecrets();
    await source.admin.query(`update sales_order set agreed_payment_date = 'soon' where sales_order_id = 1`);
    await deployed.json('run');
    const payments = await keysOf(processed, 'fact_payment/');
    expect(payments).not.toEqual([]);
    expect((await invoke()).tables.every((each) => each.ingested + each.kept === 0)).toBe(true);

    await switchLoads(false);
    const designs = await keysOf(ingested, 'design/');
    const made = await keysOf(processed, 'dim_design/');
    await source.admin.query(`update design set file_name = 'Late.png' where design_id = 1`);
    await waitUntil('an object is not loaded', 120, async () =>
      (await keysOf(processed, 'dim_design/')).some((key) => !made.includes(key)),
    );

    const { Environment } = await deployed.lambda.send(new GetFunctionConfigurationCommand(expireFunction));
    const Variables = { ...Environment?.Variables, NODE_OPTIONS: inHundredDays };
    await deployed.lambda.send(
      new UpdateFunctionConfigurationCommand({ ...expireFunction, Environment: { Variables } }),
    );
    const expiry = await invoke();
    expect({ need: expiry.need, isComplete: expiry.isComplete }).toEqual({ isComplete: true });
    const of = (table: string) => expiry.tables.find((each) => each.table === table);
    expect(of('design')).toMatchObject({ ingested: designs.length, processed: made.length, kept: 2 });
    expect(of('sales_order')).toMatchObject({ kept: 2 });
    for (const key of [...designs, ...made])
      expect([await ingested.head(key), await processed.head(key)]).toEqual([undefined, undefined]);
    expect(await keysOf(processed, 'dim_design/')).toHaveLength(1);
    expect(await keysOf(processed, 'quarantine/fact_sales_order/')).toHaveLength(1);
    expect(await keysOf(processed, 'fact_payment/')).toEqual(expect.arrayContaining(payments));
    expect(await keysOf(ingested, 'staff/')).toEqual([]);

    await switchLoads(true);
    await source.admin.query(
      `update sales_order set agreed_payment_date = '2025-01-01', last_updated = now() where sales_order_id = 1`,
    );
    await deployed.waitUntilLoaded(180);
    expect(await deployed.deadLetters()).toEqual({ extract: 0, transform: 0, load: 0 });
  });
});
