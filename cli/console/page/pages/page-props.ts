import type { ConsoleInfo, Snapshot } from '../../answers/api.ts';
import type { Place } from '../parts/address.ts';

/** What every page is given. */
export interface PageProps {
  place: Place;
  /** undefined until the first one has come. */
  snapshot: Snapshot | undefined;
  info: ConsoleInfo | undefined;
}

/** Changes with whatever a run has done: what a page has asked for is asked for again. */
export const versionOf = ({ snapshot }: Pick<PageProps, 'snapshot'>): string => {
  const status = snapshot?.status;
  if (status == null) return '';
  const versions = status.tables.reduce((sum, table) => sum + table.versions, 0);
  return `${status.run?.run} ${versions} ${status.troubles.map(({ text }) => text).join()}`;
};
