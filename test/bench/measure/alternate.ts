import { type Measurement, measure } from './measure.ts';

/** One of those that do the same work. */
export interface Subject {
  name: string;
  /** Not measured: what has to be as it was before each run. */
  prepare?(): Promise<void>;
  run(): Promise<void>;
  /** Not measured. @throws the work was not done, or not rightly */
  check(): Promise<void>;
}

export interface AlternateOptions {
  /** Runs of each that count. */
  reps: number;
  postmasters: readonly number[];
  /** Told of every run, those that only warm up too. */
  onRun?(subject: Subject, measurement: Measurement): void;
  /** Not measured: before every run of any. */
  settle?(): Promise<void>;
  /** What all subjects are to work on in the next round. */
  nextRound?(): Promise<void>;
}

/**
 * Runs the subjects in turn, A B A B: what the machine does meanwhile falls on all of them. The first round warms
 * up and does not count. Every run is checked.
 *
 * @returns the measurements of each subject, in the subjects' order
 */
export async function alternate(
  subjects: readonly Subject[],
  options: AlternateOptions,
): Promise<Measurement[][]> {
  const { reps, postmasters, settle = async () => {}, nextRound = async () => {} } = options;
  const onRun = options.onRun ?? (() => {});
  const measurements: Measurement[][] = subjects.map(() => []);
  for (let round = 0; round <= reps; round++) {
    await nextRound();
    for (const [index, subject] of subjects.entries()) {
      await subject.prepare?.();
      await settle();
      const measurement = await measure(() => subject.run(), postmasters);
      onRun(subject, measurement);
      await subject.check();
      if (round > 0) measurements[index]?.push(measurement);
    }
  }
  return measurements;
}
