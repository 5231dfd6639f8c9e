import { randomUUID } from 'node:crypto';
import { accountId, region } from './fauxqs.ts';
import { JsonServiceError, type Operation } from './json-service.ts';

interface Version {
  value: string;
  id: string;
  /** Seconds since 1970, as the protocol has it. */
  created: number;
}

/** Secrets Manager's current values, in memory: the caller provides them at every start of the cloud. */
export class Secrets {
  readonly #versions = new Map<string, Version>();

  readonly operations: Readonly<Record<string, Operation>> = {
    'secretsmanager.GetSecretValue': (input) => this.#get(input),
    'secretsmanager.PutSecretValue': (input) => this.#replace(input),
  };

  constructor(values: Readonly<Record<string, string>>) {
    for (const [name, value] of Object.entries(values)) this.put(name, value);
  }

  put(name: string, value: string, id: string = randomUUID()): void {
    this.#versions.set(name, { value, id, created: Date.now() / 1000 });
  }

  #get({ SecretId, VersionId, VersionStage = 'AWSCURRENT' }: Parameters<Operation>[0]): object {
    const name = parseSecretId(SecretId);
    const version = this.#current(name);
    const isCurrent = VersionStage === 'AWSCURRENT' && (VersionId ?? version.id) === version.id;
    if (!isCurrent) throw notFound('the specified secret value for that version');
    return {
      ...describe(name, version),
      SecretString: version.value,
      CreatedDate: version.created,
    };
  }

  #replace({ SecretId, SecretString, ClientRequestToken, VersionStages }: Parameters<Operation>[0]): object {
    const name = parseSecretId(SecretId);
    this.#current(name);
    // A pending version that became the current one would be a password that no database has yet.
    if (JSON.stringify(VersionStages ?? ['AWSCURRENT']) !== '["AWSCURRENT"]') {
      throw new JsonServiceError('InvalidParameterException', 'Only AWSCURRENT is kept here.');
    }
    if (typeof SecretString !== 'string') {
      throw new JsonServiceError('InvalidRequestException', 'You must provide SecretString.');
    }
    this.put(name, SecretString, typeof ClientRequestToken === 'string' ? ClientRequestToken : undefined);
    return describe(name, this.#current(name));
  }

  #current(name: string): Version {
    const version = this.#versions.get(name);
    if (version === undefined) throw notFound('the specified secret');
    return version;
  }
}

const arnPrefix = `arn:aws:secretsmanager:${region}:${accountId}:secret:`;

const describe = (name: string, { id }: Version): object => ({
  ARN: `${arnPrefix}${name}`,
  Name: name,
  VersionId: id,
  VersionStages: ['AWSCURRENT'],
});

const parseSecretId = (id: unknown): string => {
  const text = String(id);
  return text.startsWith(arnPrefix) ? text.slice(arnPrefix.length) : text;
};

const notFound = (what: string): JsonServiceError =>
  new JsonServiceError('ResourceNotFoundException', `Secrets Manager can't find ${what}.`);
