import type { Signer } from '@aws-sdk/rds-signer';
import { TerminalError } from '../errors.ts';
import type { DatabaseSecret } from './database-secret.ts';

type Login = Pick<DatabaseSecret, 'host' | 'port' | 'username' | 'sslmode'>;

/** https://docs.aws.amazon.com/general/latest/gr/rds-service.html: `name.id.eu-west-2.rds.amazonaws.com` */
const regionOfHost = /\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?$/;

/**
 * Makes what gives a token in place of a password, which AWS takes for a quarter of an hour: one for each connection, signed
 * by the credentials that the process has at that moment. The signature is computed here, without a call.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
 */
export function makeIamPassword({ host, port, username, sslmode }: Login): () => Promise<string> {
  let signer: Promise<Signer> | undefined;
  return async () => {
    // It would be sent as it is to whoever listens.
    if (sslmode === 'disable' || sslmode === 'prefer') {
      throw new TerminalError(
        `auth iam takes TLS: sslmode ${sslmode} would send the token of ${username} in the open`,
      );
    }
    const [, region] = regionOfHost.exec(host) ?? [];
    signer ??= makeSigner({ hostname: host, port, username, ...(region !== undefined && { region }) });
    return (await signer).getAuthToken();
  };
}

/** Loaded where it is needed: few secrets are without a password. */
async function makeSigner(config: ConstructorParameters<typeof Signer>[0]): Promise<Signer> {
  const { Signer } = await import('@aws-sdk/rds-signer');
  return new Signer(config);
}
