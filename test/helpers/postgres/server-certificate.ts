import { execFile } from 'node:child_process';
import { chmod, chown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresServer } from './temporary-postgres.ts';

/** Gives a server a certificate that nobody but itself has signed; it takes TLS once `ssl` is on and it has reloaded. */
export async function giveCertificate(
  { dataDir }: Pick<PostgresServer, 'dataDir'>,
  name = 'localhost',
): Promise<void> {
  const [key, certificate] = [join(dataDir, 'server.key'), join(dataDir, 'server.crt')];
  const subject = ['-subj', `/CN=${name}`, '-days', '2', '-nodes', '-addext', `subjectAltName=DNS:${name}`];
  const files = ['-keyout', key, '-out', certificate];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject, ...files]);
  const { uid, gid } = await stat(dataDir);
  await chown(key, uid, gid);
  await chown(certificate, uid, gid);
  await chmod(key, 0o600);
}
