import { parseStage } from '../options/site-options.ts';
import { explainAwsError } from '../site/stage/find-stage.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

/** Stops what a stage does by itself, for maintenance. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = parseStage(values);
    if (name === undefined) throw new UsageError('--stage is missing: it names the stage to pause');
    const { pauseStage } = await import('../deploy/pause-stage.ts');
    const selector = ` --stage ${name.stage}${name.region === undefined ? '' : ` --region ${name.region}`}`;
    try {
      const wasPaused = await pauseStage(name);
      terminal.info(
        `The stage ${name.stage} ${wasPaused ? 'was paused already' : 'is paused'}: it plans nothing, and its messages stay on their queues.`,
      );
      terminal.info('What is under way ends by itself, within the timeouts of its functions. To go on:');
      terminal.info(`    npx starlift resume${selector}`);
      return 0;
    } catch (error) {
      throw explainAwsError(error) ?? error;
    }
  },
};
