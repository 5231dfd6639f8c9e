import { createServer } from 'node:net';

/** A TCP port of 127.0.0.1 that nothing listens on now. */
export async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string')
    throw new Error('no TCP port could be had on 127.0.0.1');
  return address.port;
}
