// Runs one packaged function as Lambda does: imports its module, then answers one event after the other.
const startedAt = performance.now();
const { handler } = await import(process.argv[2]);
const importMs = performance.now() - startedAt;

process.on('disconnect', () => process.exit(0));
process.on('message', async ({ id, event }) => {
  const context = { awsRequestId: String(id), functionName: process.env.AWS_LAMBDA_FUNCTION_NAME };
  context.getRemainingTimeInMillis = () => 60_000;
  const invokedAt = performance.now();
  try {
    const value = await handler(event, context);
    process.send({ id, value, importMs, invokeMs: performance.now() - invokedAt });
  } catch (error) {
    process.send({ id, error: `${error?.name}: ${error?.message}`, importMs });
  }
});
