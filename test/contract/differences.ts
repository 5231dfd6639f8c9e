import type { PieceName } from './pieces.ts';
import type { ServiceName } from './service.ts';

export interface Difference {
  /** What the service does in place of what AWS does. */
  instead: unknown;
  because: string;
}

/**
 * Where a service is not as AWS is. Each row is checked as strictly as AWS' own behaviour is: one that is no longer
 * true fails, and is to be taken out.
 */
export const differences: Record<ServiceName, Partial<Record<PieceName, Difference>>> = {
  embedded: {
    'versions of a replaced and a deleted object': {
      instead: {
        versions: [],
        first: 'second',
        afterDelete: { get: '404 NoSuchKey', listed: 0 },
        createdAgain: '200',
      },
      because: 'versions are for mishaps in an account; the data folder of one machine is copied instead',
    },
    'an object of two parts': {
      instead: { refused: 'NotImplemented' },
      because: 'no object of the product is larger than one put, and parts would have to outlive a kill',
    },
    'a dead letter after 10 receives': {
      instead: {
        receives: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'],
        deadLetters: [{ body: 'x', attributes: ['replay=7'], sameId: true, sentAt: 'as before' }],
      },
      because: 'fauxqs does not say which queue a dead letter came from, and the product does not ask',
    },
    StartMessageMoveTask: {
      instead: { isOffered: false },
      because: 'fauxqs has no move tasks: a redrive sends the dead letters itself',
    },
    'a new value of a secret': {
      instead: {
        current: { password: 'second' },
        previous: '400 ResourceNotFoundException',
        byId: '400 ResourceNotFoundException',
        missing: '400 ResourceNotFoundException',
      },
      because: 'the product reads the current value only',
    },
    'the stages of a rotation': {
      instead: { refused: 'InvalidParameterException' },
      because: 'the passwords of one machine are not rotated',
    },
    "PutEvents by the product's rule to a queue": {
      instead: { refused: 'UnknownOperationException' },
      because: 'events are kept in a file, to which nobody subscribes on one machine',
    },
    'a rule of rate(1 minute)': {
      instead: { refused: 'UnknownOperationException' },
      because: '`starlift run --watch` plans by its own clock',
    },
    'an alarm on a custom metric': {
      instead: { refused: 'InvalidAction' },
      because: '`starlift status` says on one machine what an alarm says in an account',
    },
  },
  localstack: {
    'keys in a notification': {
      instead: {
        encoded: [
          'a%20b/red%20flower.parquet',
          'a%2Bb%3Dc%26d%2C%28e%29.parquet',
          'z%C3%BCrich/%E6%9D%B1%E4%BA%AC/%F0%9F%9A%80.parquet',
        ],
        parsed: ['a b/red flower.parquet', 'a+b=c&d,(e).parquet', 'zürich/東京/🚀.parquet'],
      },
      because: 'a space is %20 and not +',
    },
  },
  ministack: {
    StartMessageMoveTask: {
      instead: { isOffered: false },
      because: 'it has no move tasks: a redrive sends the dead letters itself',
    },
  },
};
