import type { Service } from './service.ts';

/** One thing that the product leans on, as it can be seen from outside. */
export interface Piece<Name extends string = string> {
  name: Name;
  /** The page of AWS' documentation that says so. */
  source: string;
  /** What AWS answers, as that page has it. */
  aws: unknown;
  /** Takes a minute: it begins with the suite and runs beside the others. */
  slow?: true;
  /** Does it, and says what came of it in the terms of `aws`. */
  observe(service: Service): Promise<unknown>;
}

export const definePiece = <const Name extends string>(piece: Piece<Name>): Piece<Name> => piece;

/**
 * What the service does. A request that it refuses is an answer too: `{ refused: <the error's name> }`.
 *
 * @throws what is not the service's answer, such as a condition that was not seen in time
 */
export async function observe(piece: Piece, service: Service): Promise<unknown> {
  try {
    return await piece.observe(service);
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return { refused: (error as Error).name };
  }
}

/** The HTTP status with which a service refused a request; undefined where it did not answer. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** '200', or the status and the name with which the request was refused. */
export const answerOf = (request: Promise<unknown>): Promise<unknown> => orRefusal(request.then(() => '200'));

/** What was asked for, or the status and the name with which it was refused, such as `404 NoSuchKey`. */
export async function orRefusal(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return `${status} ${(error as Error).name}`;
  }
}
