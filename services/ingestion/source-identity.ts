import type { Statements } from './sql/plan-statements.ts';
import { selectControlFileRights, selectIdentity } from './sql/select-identity.ts';

export type SourceRestart = 'identity' | 'trusted';

/**
 * The identity of the server and of its current life, as one string: xids of two identities cannot be compared.
 *
 * @param restart `trusted` leaves the start time out: the caller vouches that no crash takes back what was seen
 */
export async function readIdentity(
  source: Statements & { host: string },
  restart: SourceRestart,
): Promise<string> {
  const rights = await selectControlFileRights(source);
  const { system, databaseOid, timeline, startedAt, inRecovery } = await selectIdentity(source, rights);
  return JSON.stringify([
    rights.system ? system : `${source.host} ${system}`,
    databaseOid,
    timeline,
    restart === 'trusted' ? 'trusted' : startedAt,
    inRecovery,
  ]);
}
