import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { definePiece, orRefusal } from '../piece.ts';
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
    return {
      current: await secretOf(service, id),
      previous: await secretOf(service, id, { VersionStage: 'AWSPREVIOUS' }),
      byId: await secretOf(service, id, { VersionId: versionId }),
      missing: await secretOf(service, 'contract/nothing'),
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
      current: await secretOf(service, id),
      pending: await secretOf(service, id, { VersionStage: 'AWSPENDING' }),
    };
    await secretsManager.send(
      new UpdateSecretVersionStageCommand({
        SecretId: id,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: pendingId,
        RemoveFromVersionId: versionId,
      }),
    );
    const { VersionIdsToStages = {} } = await secretsManager.send(
      new DescribeSecretCommand({ SecretId: id }),
    );
    return {
      whilePending,
      afterwards: {
        current: await secretOf(service, id),
        previous: await secretOf(service, id, { VersionStage: 'AWSPREVIOUS' }),
        stages: VersionIdsToStages[pendingId]?.toSorted(),
      },
    };
  },
});

interface Which {
  VersionStage?: string;
  VersionId?: string | undefined;
}

async function read({ clients }: Service, SecretId: string, which: Which = {}) {
  const { SecretString = 'null', VersionId } = await clients.secretsManager.send(
    new GetSecretValueCommand({ SecretId, ...which }),
  );
  return { value: JSON.parse(SecretString) as unknown, versionId: VersionId };
}

const secretOf = (service: Service, id: string, which?: Which): Promise<unknown> =>
  orRefusal(read(service, id, which).then(({ value }) => value));

const put = ({ clients }: Service, SecretId: string, value: object, how: object = {}) =>
  clients.secretsManager.send(
    new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value), ...how }),
  );
