import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FailureGroup } from '../../cli/failures/list-failures.ts';
import type { Status } from '../../cli/status/status.ts';
import { isLong } from '../helpers/jest/long-form.ts';
import { type BetweenReleases, type Service, startBetween } from './between-releases.ts';
import { hasRelease } from './older-release.ts';
import { waitUntil } from './wait-until.ts';

const release = '46eb687';

interface Form {
  /** In which order the services get this release: first `loading`, as docs/deploy.md says. */
  order: Service[];
  /** Whether the older release reads everything in full while it is in force again, or nothing. */
  isStateDeleted: boolean;
}
const forms: Form[] = [{ order: ['loading', 'ingestion', 'transformation'], isStateDeleted: false }];
if (isLong) forms.push({ order: ['loading', 'transformation', 'ingestion'], isStateDeleted: true });

const describeStage = hasRelease(release) ? describe : describe.skip;

describeStage.each(forms)('a stage of release 0.1.0: $order', ({ order, isStateDeleted }) => {
  let stage: BetweenReleases;
  beforeAll(async () => {
    stage = await startBetween(release);
  });
  afterAll(() => stage?.stop());

  it('is deployed, loads, and has messages and objects on every queue', async () => {
    const { deploy, olderCommand, deployment } = stage;
    for (const service of ['ingestion', 'transformation', 'loading'] as const) await deploy(service, 'older');
    await olderCommand('secrets put source', `${deployment.source.guardedUrl()}\n`);
    await olderCommand('secrets put warehouse', `${deployment.warehouse.guardedUrl()}\n`);
    await olderCommand('run');
    await stage.expectWhole();
    await stage.holdMessages();
  });

  it.each(order)('is upgraded while work flows, and nothing fails for good: %s', async (service) => {
    await stage.deploy(service, 'this');
    await stage.goOn();
    await stage.expectNoneFailed();
  });

  it('has lost nothing once all three are upgraded', async () => {
    await stage.expectWhole();
  });

  it('is exact by its own judgement, too', async () => {
    const { json } = stage.deployment.deployed;
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    expect(await json<Status>('status')).toMatchObject({ code: 0, troubles: [] });
  });

  it('marks a row that is deleted', async () => {
    await stage.markDeleted();
  });

  it('has messages on every queue, an order to look for deletes among them, before it is rolled back', async () => {
    await stage.holdCensus();
  });

  it.each(order.toReversed())(
    'is rolled back while the source changes, and is never green while it is wrong: %s',
    async (service) => {
      await stage.deploy(service, 'older');
      await stage.take(service);
      await stage.tryPlan();
      await stage.expectNeverGreenWhileWrong();
    },
  );

  it('plans nothing by a state of this release, and anew without one; an order that it does not know is a dead letter', async () => {
    await stage.bringBack();
    expect(await stage.tryPlan()).toContain('its version is 3');
    if (isStateDeleted) {
      await stage.deleteCaptureState();
      expect(await stage.tryPlan()).toBeUndefined();
      await stage.waitUntilChanged();
    }
    expect(await stage.expectNeverGreenWhileWrong()).toBe(false);
    const { failures } = await stage.deployment.deployed.json<{ failures: FailureGroup[] }>('failures');
    const reasons = failures.map(({ queue, table, reason }) => `${queue} ${table}: ${reason}`);
    expect(reasons).toContain('extract payment: an extract message of unknown version 2');
  });

  it.each(order)('comes forward again, and is never green while it is wrong: %s', async (service) => {
    await stage.deploy(service, 'this');
    await stage.expectNeverGreenWhileWrong();
  });

  it('is exact once its dead letters are sent again, and says so', async () => {
    const { json } = stage.deployment.deployed;
    expect(await json('redrive')).toMatchObject({ code: 0 });
    // 0.1.0 may have loaded a marked row that came back. It keeps its mark until the next look for deletes.
    await stage.expectNeverGreenWhileWrong();
    await stage.lookForDeletesAtOnce();
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    await stage.expectWhole();
    await waitUntil('status finds nothing', 120, () => stage.expectNeverGreenWhileWrong());
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    expect(await json<Status>('status')).toMatchObject({ code: 0, troubles: [] });
    expect(await json('quarantine')).toMatchObject({ code: 0, ok: true });
  });
});
