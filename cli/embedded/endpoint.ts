import { region } from './cloud/fauxqs.ts';

/** How an SDK client reaches the embedded cloud, which asks for no credentials; the SDK insists on sending some. */
export const connectionTo = (endpoint: string) => ({
  endpoint,
  region,
  credentials: { accessKeyId: 'starlift', secretAccessKey: 'starlift' },
});
