import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ProcessGroup, startProcessGroup } from '../../scripts/programs/process-group.ts';
import { findFreePort } from '../helpers/network/free-port.ts';
import { installMiniStack } from './install-ministack.ts';
import { waitUntil } from './wait-until.ts';

export interface MiniStack {
  endpoint: string;
  /** What a process needs to reach it as the account's root: endpoint, region, credentials, certificate. */
  environment: Record<string, string>;
  log(): string;
  /** Ends it with all of its Lambda workers, and removes what they left. */
  stop(): Promise<void>;
}

export const region = 'eu-west-2';
const logFile = 'ministack.log';
const binaries = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));

/**
 * Starts MiniStack on 127.0.0.1 and a free port, over TLS (the buckets and queues refuse anything else), with IAM
 * enforced: a function may do what its role says and no more. This process trusts its certificate from then on.
 *
 * @throws {Error} it cannot be installed, or does not answer within a minute; with the end of its log
 */
export async function startMiniStack(): Promise<MiniStack> {
  const python = await installMiniStack();
  const folder = await mkdtemp(join(tmpdir(), 'starlift-ministack-'));
  const port = await findFreePort();
  const { certificate, key } = await makeCertificate(folder);
  setDefaultCACertificates([...getCACertificates('default'), await readFile(certificate, 'utf8')]);
  const miniStack = spawnMiniStack({ python, folder, port, certificate, key });
  const log = () => readFileSync(join(folder, logFile), 'utf8');
  const stop = async () => {
    await miniStack.end();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const endpoint = `https://127.0.0.1:${port}`;
    await waitUntil('MiniStack answers', 60, () => isAnswering(endpoint));
    return { endpoint, environment: clientEnvironment(endpoint, certificate), log, stop };
  } catch (error) {
    const end = log().slice(-4000);
    await stop();
    throw new Error(`MiniStack did not start:\n${end}`, { cause: error });
  }
}

async function makeCertificate(folder: string): Promise<{ certificate: string; key: string }> {
  const certificate = join(folder, 'server.crt');
  const key = join(folder, 'server.key');
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=ministack'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'];
  await promisify(execFile)('openssl', [...args, ...names, '-keyout', key, '-out', certificate]);
  return { certificate, key };
}

interface Start {
  python: string;
  folder: string;
  port: number;
  certificate: string;
  key: string;
}

function spawnMiniStack({ python, folder, port, certificate, key }: Start): ProcessGroup {
  // Its server and not its own start script, which takes port 443 as well where it may.
  const server = ['-m', 'hypercorn', 'ministack.app:app', '--bind', `127.0.0.1:${port}`];
  const tls = ['--certfile', certificate, '--keyfile', key, '--keep-alive', '75'];
  return startProcessGroup({
    ...{ command: python, args: [...server, ...tls], folder, log: logFile },
    // Nothing of the machine's own environment: no proxy, no AWS profile, no Docker. Its Lambda workers inherit
    // this, and take the first `node` of the PATH.
    env: {
      PATH: `${binaries}:/usr/local/bin:/usr/bin:/bin`,
      HOME: folder,
      TMPDIR: folder,
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      MINISTACK_REGION: region,
      GATEWAY_PORT: String(port),
      USE_SSL: '1',
      MINISTACK_SSL_CERT: certificate,
      MINISTACK_SSL_KEY: key,
      AUTH: 'true',
    },
  });
}

async function isAnswering(endpoint: string): Promise<boolean> {
  const response = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined);
  return response?.ok === true;
}

const clientEnvironment = (endpoint: string, certificate: string) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  NODE_EXTRA_CA_CERTS: certificate,
});
