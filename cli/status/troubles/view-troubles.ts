import type { ViewFault } from '../../../shared/warehouse/current/keep-current-views.ts';
import { listNames } from './causes.ts';

/** What is wrong with views of current rows, in words. */
export interface DescribedFault {
  /** null where it is about several tables. */
  table: string | null;
  text: string;
}

/** Each cause once: one missing right keeps all views from being made. A run makes what it may, so it is what to do next. */
export function describeViewFaults(faults: readonly ViewFault[]): DescribedFault[] {
  const causes = new Map<string, ViewFault[]>();
  for (const fault of faults) {
    const cause = `${fault.state} ${fault.statement ?? ''}`;
    causes.set(cause, [...(causes.get(cause) ?? []), fault]);
  }
  return [...causes.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [{ table: same.length === 1 ? first.table : null, text: describe(first, same) }];
  });
}

function describe({ state, statement }: ViewFault, same: readonly ViewFault[]): string {
  const names = listNames(same.map(({ view }) => view));
  const are = same.length === 1 ? 'is' : 'are';
  switch (state) {
    case 'missing':
      return `${names} ${are} missing: a run makes what is missing`;
    case 'outdated':
      return `${names} ${are} not as the model wants, as where another view depends on one: drop that, and a run changes it`;
    case 'forbidden':
      return `${names} cannot be made by the role that loads. Run as the owner: ${statement}`;
    case 'foreign':
      return `${names} was made or changed by somebody else, and stays so. To get Starlift's, run: ${statement}`;
  }
}
