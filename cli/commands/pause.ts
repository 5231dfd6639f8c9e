import { requireStage } from '../options/site-options.ts';
import { formatStageOptions, onAws } from '../site/stage/find-stage.ts';
import type { CommandModule } from './command-module.ts';

/** Stops what a stage does by itself, for maintenance. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = requireStage(values, 'to pause');
    const { pauseStage } = await import('../deploy/pause-stage.ts');
    const wasPaused = await onAws(() => pauseStage(name));
    terminal.info(
      `The stage ${name.stage} ${wasPaused ? 'was paused already' : 'is paused'}: it plans nothing, and its messages stay on their queues.`,
    );
    terminal.info('What is under way ends by itself, within the timeouts of its functions. To go on:');
    terminal.info(`    npx starlift resume${formatStageOptions(name)}`);
    return 0;
  },
};
