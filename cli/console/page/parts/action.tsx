import { useRef, useState } from 'preact/hooks';
import type { ActAnswer } from '../../answers/api.ts';
import { isMending } from '../../answers/mending.ts';
import { send } from './connection.ts';
import { Command } from './elements.tsx';

/** A command to copy, and where the console may, a button that runs it once it is confirmed. */
export function Action({ command, allowed }: { command: string; allowed: boolean }) {
  if (!allowed || !isMending(command)) return <Command text={command} />;
  return (
    <Command text={command}>
      <Run command={command} />
    </Command>
  );
}

type Stage =
  | { is: 'asking' }
  | { is: 'running' }
  | { is: 'done'; answer: ActAnswer }
  | { is: 'refused'; reason: string };

function Run({ command }: { command: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [stage, setStage] = useState<Stage>({ is: 'asking' });
  const open = () => {
    setStage({ is: 'asking' });
    dialog.current?.showModal();
  };
  const run = async () => {
    setStage({ is: 'running' });
    try {
      setStage({ is: 'done', answer: await send<ActAnswer>('act', { command }) });
    } catch (error) {
      setStage({ is: 'refused', reason: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <>
      <button type="button" class="small" onClick={open} aria-label={`Run ${command}`}>
        Run…
      </button>
      <dialog ref={dialog} aria-label="Run a command">
        <h2>{titles[stage.is]}</h2>
        <pre>{command}</pre>
        {stage.is === 'done' && (
          <pre class="output">{stage.answer.output.trim() || 'It printed nothing.'}</pre>
        )}
        {stage.is === 'done' && <p class="quiet">Exit code {stage.answer.code}</p>}
        {stage.is === 'refused' && <p class="bad">{stage.reason}</p>}
        <p class="choices">
          {stage.is === 'asking' && (
            <button type="button" class="primary" onClick={() => void run()}>
              Run
            </button>
          )}
          <button type="button" disabled={stage.is === 'running'} onClick={() => dialog.current?.close()}>
            {stage.is === 'asking' ? 'Cancel' : 'Close'}
          </button>
        </p>
      </dialog>
    </>
  );
}

const titles: Record<Stage['is'], string> = {
  asking: 'Run this command?',
  running: 'It runs.',
  done: 'It has ended.',
  refused: 'It was not run.',
};
