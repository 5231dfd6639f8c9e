// Runs one packaged function as Lambda does: imports its module, then answers one event after the other.
type Handler = (event: unknown, context: unknown) => Promise<unknown>;

const startedAt = performance.now();
const { handler } = (await import(process.argv[2] ?? '')) as { handler: Handler };
const importMs = performance.now() - startedAt;

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => void answer(message as { id: number; event: unknown }));

async function answer({ id, event }: { id: number; event: unknown }): Promise<void> {
  const functionName = process.env.AWS_LAMBDA_FUNCTION_NAME;
  const context = { awsRequestId: String(id), functionName, getRemainingTimeInMillis: () => 60_000 };
  const invokedAt = performance.now();
  try {
    const value = await handler(event, context);
    process.send?.({ id, value, importMs, invokeMs: performance.now() - invokedAt });
  } catch (error) {
    process.send?.({ id, error: String(error), importMs });
  }
}
