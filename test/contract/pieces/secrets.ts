import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { answerOf, definePiece } from '../piece.ts';
import type { Service } from '../service.ts';

const source = 'https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html';
const first = { password: 'first' };
const second = { password: 'second' };

export const secretVersions = definePiece({
  name: 'a new value of a secret',
  source,
  aws: { current: second, previous: first, byId: first, missing: '400 ResourceNotFoundException' },
  observe: async (service) => {
    const id = await service.makeSecret('contract/versions', JSON.stringify(first));
    const { versionId } = await read(service, id);
    await put(service, id, second);
    const missing = new GetSecretValueCommand({ SecretId: 'contract/nothing' });
    return {
      current: (await read(service, id)).value,
      previous: (await read(service, id, { VersionStage: 'AWSPREVIOUS' })).value,
      byId: (await read(service, id, { VersionId: versionId })).value,
      missing: await answerOf(service.clients.secretsManager.send(missing)),
    };
  },
});

const pendingId = '11111111-2222-4333-8444-555555555555';

export const rotationStages = definePiece({
  name: 'the stages of a rotation',
  source: 'https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html',
  aws: {
    whilePending: { current: first, pending: second },
    afterwards: { current: second, previous: first, stages: ['AWSCURRENT', 'AWSPENDING'] },
  },
  observe: async (service) => {
    const { secretsManager } = service.clients;
    const id = await service.makeSecret('contract/rotation', JSON.stringify(first));
    const { versionId } = await read(service, id);
    await put(service, id, second, { ClientRequestToken: pendingId, VersionStages: ['AWSPENDING'] });
    const whilePending = {
      current: (await read(service, id)).value,
      pending: (await read(service, id, { VersionStage: 'AWSPENDING' })).value,
    };
    await secretsManager.send(
      new UpdateSecretVersionStageCommand({
        ...{ SecretId: id, VersionStage: 'AWSCURRENT' },
        ...{ MoveToVersionId: pendingId, RemoveFromVersionId: versionId },
      }),
    );
    const { VersionIdsToStages = {} } = await secretsManager.send(
      new DescribeSecretCommand({ SecretId: id }),
    );
    return {
      whilePending,
      afterwards: {
        current: (await read(service, id)).value,
        previous: (await read(service, id, { VersionStage: 'AWSPREVIOUS' })).value,
        stages: VersionIdsToStages[pendingId]?.toSorted(),
      },
    };
  },
});

async function read(
  { clients }: Service,
  SecretId: string,
  which: { VersionStage?: string; VersionId?: string | undefined } = {},
): Promise<{ value: unknown; versionId: string | undefined }> {
  const { SecretString = 'null', VersionId } = await clients.secretsManager.send(
    new GetSecretValueCommand({ SecretId, ...which }),
  );
  return { value: JSON.parse(SecretString), versionId: VersionId };
}

const put = ({ clients }: Service, SecretId: string, value: object, how: object = {}) =>
  clients.secretsManager.send(
    new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value), ...how }),
  );
