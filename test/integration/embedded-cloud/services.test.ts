import * as fs from 'node:fs';
import { join } from 'node:path';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, describe, expect, it } from '@jest/globals';
import { makeFolder, openCloud, removeFolders } from './cloud-under-test.ts';

afterAll(removeFolders);

describe('Secrets Manager', () => {
  const secrets = { 'starlift/source': '{"username":"reader"}' };
  const read = (SecretId: string) => new GetSecretValueCommand({ SecretId });

  it('gives a secret by name and by ARN', async () => {
    await using under = await openCloud({ secrets });
    const byName = await under.secrets.send(read('starlift/source'));
    expect(byName).toMatchObject({ Name: 'starlift/source', VersionStages: ['AWSCURRENT'] });
    expect(byName.CreatedDate).toBeInstanceOf(Date);
    const byArn = await under.secrets.send(read(byName.ARN ?? ''));
    expect(byArn.SecretString).toBe('{"username":"reader"}');
  });

  it('gives the new value after a rotation, by a client or by whoever runs the cloud', async () => {
    await using under = await openCloud({ secrets });
    await under.secrets.send(
      new PutSecretValueCommand({ SecretId: 'starlift/source', SecretString: 'second' }),
    );
    const second = await under.secrets.send(read('starlift/source'));
    under.cloud.putSecret('starlift/source', 'third');
    const third = await under.secrets.send(read('starlift/source'));
    expect([second.SecretString, third.SecretString]).toEqual(['second', 'third']);
    expect(second.VersionId).not.toBe(third.VersionId);
  });

  it('says that a secret is not there', async () => {
    await using under = await openCloud({ secrets });
    const wanted = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 400 } };
    await expect(under.secrets.send(read('nowhere'))).rejects.toMatchObject(wanted);
    const put = new PutSecretValueCommand({ SecretId: 'nowhere', SecretString: 'x' });
    await expect(under.secrets.send(put)).rejects.toMatchObject(wanted);
  });

  it('refuses by name what it does not offer', async () => {
    await using under = await openCloud();
    const list = under.secrets.send(new ListSecretsCommand({}));
    await expect(list).rejects.toMatchObject({ name: 'UnknownOperationException' });
  });
});

describe('EventBridge', () => {
  const entry = {
    Source: 'starlift',
    DetailType: 'DeadLetter',
    Detail: '{"table":"payment"}',
    Time: new Date('2024-05-01T10:00:00Z'),
  };

  it('keeps what was put, and says which entry it refused', async () => {
    await using under = await openCloud();
    const { FailedEntryCount, Entries } = await under.events.send(
      new PutEventsCommand({ Entries: [entry, { ...entry, Detail: '{' }, { Source: 'x' }] }),
    );
    expect(FailedEntryCount).toBe(2);
    expect(Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      'MalformedDetail',
      'InvalidArgument',
    ]);
    expect(Entries?.[0]?.EventId).toMatch(/^[0-9a-f-]{36}$/);
    expect(under.cloud.events()).toEqual([entry]);
  });

  it('appends every event to a file, from which the last 1000 come back', async () => {
    const dataDir = makeFolder();
    const line = (i: number) => JSON.stringify({ Source: 's', DetailType: 't', Detail: `{"i":${i}}` });
    const old = Array.from({ length: 1005 }, (_, i) => line(i)).join('\n');
    fs.writeFileSync(join(dataDir, 'events.ndjson'), `${old}\n{"Source":"cut sh`);
    await using under = await openCloud({ dataDir });
    await under.events.send(new PutEventsCommand({ Entries: [entry] }));
    expect(under.cloud.events()).toHaveLength(1000);
    expect(under.cloud.events()[0]?.Detail).toBe('{"i":6}');
    const lines = fs.readFileSync(join(dataDir, 'events.ndjson'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1006);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      Source: 'starlift',
      Detail: '{"table":"payment"}',
    });
  });
});
