import { type Benchmark, compare, withStages } from '../benchmark.ts';
import type { Subject } from '../measure/alternate.ts';
import { benchedTypes } from '../stages/transform-types.ts';

export const benchmark: Benchmark = {
  name: 'types',
  about: 'what a column of each type costs from NDJSON to Parquet: rows of an integer key and one value',
  isLong: true,
  run: (context) =>
    withStages((stages) => {
      const { rows } = context;
      const subjects = Object.keys(benchedTypes).map(
        (type): Subject => ({
          name: type,
          run: () => stages.run<void>({ stage: 'transform-type', type, rows: String(rows) }),
          // The stage itself counts its rows, and throws where one is bad.
          check: async () => {},
        }),
      );
      return compare('types', subjects, context, { rows });
    }),
};
