import { readFileSync } from 'node:fs';
import { makeContext } from '../../../cli/embedded/workers/lambda-context.ts';

// A new execution environment: `node cold-start-program.ts MODULE` imports the function's module, hands it the
// event from stdin, and writes how long both took, in milliseconds.

const [module = ''] = process.argv.slice(2);
const event = JSON.parse(readFileSync(0, 'utf8'));

const started = performance.now();
const { handler } = (await import(module)) as {
  handler: (event: unknown, context: unknown) => Promise<{ batchItemFailures?: unknown[] } | undefined>;
};
const imported = performance.now();
const answer = await handler(event, makeContext('cold', 'cold-start', Date.now() + 60_000));
const handled = performance.now();

if ((answer?.batchItemFailures?.length ?? 0) > 0) throw new Error('the first record was not handled');
process.stdout.write(JSON.stringify({ importMs: imported - started, firstMs: handled - imported }));
// Connections are kept for the next record.
process.exit();
