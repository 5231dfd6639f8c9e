import type pg from 'pg';
import { selectControlFileRights, selectIdentity } from './sql/select-identity.ts';

export type SourceRestart = 'identity' | 'trusted';

/**
 * The identity of the server and of its current life, as one string: xids of two identities cannot be compared.
 *
 * @param restart `trusted` leaves the start time out: the caller vouches that no crash takes back what was seen
 */
export async function readIdentity(client: pg.Client, restart: SourceRestart): Promise<string> {
  const rights = await selectControlFileRights(client);
  const { system, databaseOid, timeline, startedAt, inRecovery } = await selectIdentity(client, rights);
  return JSON.stringify([
    rights.system ? system : `${client.host} ${system}`,
    databaseOid,
    timeline,
    restart === 'trusted' ? 'trusted' : startedAt,
    inRecovery,
  ]);
}
