/** Whether all of it is to be tried, or as much as every test run has time for. */
export const isLong = process.env.RELIABILITY === 'long';

/** What this process is to do of it: SHARD=0/4 is the first fourth, so that four processes do all of it. */
export function takeShard<T>(all: readonly T[]): T[] {
  const [shard = 0, shards = 1] = process.env.SHARD?.split('/').map(Number) ?? [];
  return all.filter((_, index) => index % shards === shard);
}

/** On stderr at once, where Jest would add its own frame. */
export const tell = (line: string): void => void process.stderr.write(`${line}\n`);
