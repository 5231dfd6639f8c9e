/** What of Lambda's context object a handler gets here, and what a middleware may call on it. */
export interface InvocationContext {
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  memoryLimitInMB: string;
  awsRequestId: string;
  logGroupName: string;
  logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
}

/**
 * Makes the context of one invocation.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 *
 * @param timeoutMs in which the invocation times out, by a clock that nobody sets
 */
export function makeContext(
  functionName: string,
  awsRequestId: string,
  timeoutMs: number,
): InvocationContext {
  const deadline = performance.now() + timeoutMs;
  return {
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${process.env.AWS_REGION ?? 'us-east-1'}:000000000000:function:${functionName}`,
    memoryLimitInMB: '350',
    awsRequestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: String(process.pid),
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()),
  };
}
