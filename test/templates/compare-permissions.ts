import type { PackagedFunction, Statement } from './packaged.ts';
import { permissionsWithoutCall } from './permissions-without-a-call.ts';
import type { AwsCall } from './recording-proxy.ts';

/** A pattern of IAM: * for any characters, ? for one. */
export function matchesPattern(pattern: string, text: string): boolean {
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`).test(text);
}

type Permission = Pick<AwsCall, 'action' | 'resource'>;

/**
 * Compares a function's role with the calls that it has made.
 *
 * @returns calls that the role does not allow, and permissions (each action with each resource) that nothing uses
 */
export function comparePermissions(packaged: PackagedFunction, calls: readonly AwsCall[]) {
  const needed: Permission[] = [...calls, ...permissionsWithoutCall(packaged)];
  const listed = (wanted: Statement['effect']) =>
    packaged.statements
      .filter(({ effect }) => effect === wanted)
      .flatMap(({ actions, resources }) =>
        actions.flatMap((action) => resources.map((resource) => ({ action, resource }))),
      );
  const [granted, denied] = [listed('Allow'), listed('Deny')];
  const allows = (grant: Permission, need: Permission) =>
    matchesPattern(grant.action, need.action) &&
    (grant.resource === need.resource || matchesPattern(grant.resource, need.resource));
  const missing = needed.filter(
    (need) => !granted.some((grant) => allows(grant, need)) || denied.some((denial) => allows(denial, need)),
  );
  const spare = granted.filter((grant) => !needed.some((need) => allows(grant, need)));
  return { missing: texts(missing), spare: texts(spare) };
}

const texts = (permissions: readonly Permission[]): string[] =>
  [...new Set(permissions.map(({ action, resource }) => `${action} ${resource}`))].sort();
