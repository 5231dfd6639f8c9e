import type { PieceName } from './pieces.ts';
import type { ServiceName } from './service.ts';

export interface Difference {
  /** What the service does in place of what AWS does. */
  instead: unknown;
  because: string;
}

/**
 * Where a service is not as AWS is. Each row is checked as strictly as AWS' own behaviour is: one that is no longer
 * true fails, and is to be taken out.
 */
export const differences: Record<ServiceName, Partial<Record<PieceName, Difference>>> = {
  embedded: {},
  localstack: {},
  ministack: {},
};
