const prefix = 'model-';

/**
 * The id of a replay that makes an object anew because a later model is in force. It names that model, so that a transform
 * which knows an older one alone looks at once. Not an attribute of its own: SQS takes ten in all.
 */
export const formatModelReplay = (modelNumber: number): string => `${prefix}${modelNumber}`;

/** @returns undefined for any other replay, and for none */
export function parseModelReplay(replay: string | undefined): number | undefined {
  if (replay?.startsWith(prefix) !== true) return undefined;
  const digits = replay.slice(prefix.length);
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}
