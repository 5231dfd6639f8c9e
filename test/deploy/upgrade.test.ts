import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Status } from '../../cli/status/status.ts';
import { type BetweenReleases, type Service, startBetween } from './between-releases.ts';
import { hasRelease } from './older-release.ts';

const release = '46eb687';

(hasRelease(release) ? describe : describe.skip)('a stage of release 0.1.0', () => {
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

  it.each<Service>(['loading', 'ingestion', 'transformation'])(
    'is upgraded while work flows, and nothing fails for good: %s',
    async (service) => {
      await stage.deploy(service, 'this');
      await stage.goOn();
      await stage.expectNoneFailed();
    },
  );

  it('has lost nothing once all three are upgraded', async () => {
    await stage.expectWhole();
  });

  it('is exact by its own judgement, too', async () => {
    const { json } = stage.deployment.deployed;
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    expect(await json<Status>('status')).toMatchObject({ code: 0, troubles: [] });
  });
});
