import { startInDocker } from './docker.ts';
import { startInHostMode } from './host-mode.ts';
import { Unavailable } from './unavailable.ts';

export interface LocalStack {
  /** http://127.0.0.1 and the port. */
  endpoint: string;
  how: 'Docker' | 'host mode';
  /** Ends it; what it held is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** A port of 127.0.0.1 that is free. */
  port: number;
  onProgress(line: string): void;
}

/**
 * Starts LocalStack: in Docker where that works, else its own code in host mode.
 *
 * @throws {Unavailable} neither is possible; the message has both reasons
 */
export async function startLocalStack(options: StartOptions): Promise<LocalStack> {
  const reasons: string[] = [];
  for (const start of [startInDocker, startInHostMode]) {
    try {
      return await start(options);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      reasons.push(error.message);
    }
  }
  throw new Unavailable(reasons.join(', and '));
}
