import { openEmbeddedTarget } from './embedded-target.ts';
import type { OpenedTarget, OperatorTarget } from './target.ts';

/** The options by which a command is told what to work on. */
export const targetOptions = {
  data: { type: 'string', default: '.starlift' },
  source: { type: 'string' },
  warehouse: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const targetUsage = '[--data DIR] [--json]';

export type OptionValues = Record<string, string | boolean | undefined>;

/** Opens what the options name, and lets go of it when the work has ended, however it ends. */
export async function withTarget<T>(
  values: OptionValues,
  work: (target: OperatorTarget) => Promise<T>,
): Promise<T> {
  const target: OpenedTarget = await openEmbeddedTarget({
    data: String(values.data),
    source: textOption(values.source),
    warehouse: textOption(values.warehouse),
  });
  try {
    return await work(target);
  } finally {
    await target.release();
  }
}

export const textOption = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
