import { useRef } from 'preact/hooks';
import type { Agent } from '../../api/types';
import { Label } from '../../ui/label';
import { go } from '../../ui/link';
import { useIt } from './it';
import { AgentLoose } from './loose';
import { AgentRefused } from './refused';
import { Terminal } from './terminal';
import { TurnList } from './turn-list';

/** An agent's terminal, with a list of its turns to jump by. */
export function LiveTab({ agent }: { agent: Agent; rest: string | undefined }) {
  const { name } = agent;
  const it = useIt();
  const root = useRef<HTMLDivElement>(null);
  /** Shows where a turn began: in the terminal, else in its own place. */
  const jump = async (turn: number) => {
    const log = root.current?.querySelector<HTMLElement>('.entries');
    const begin = () => log?.querySelector<HTMLElement>(`[data-begins="${turn}"]`) ?? null;
    it.following.value = false;
    const known = it.terminal.peek().events.find((event) => event.kind === 'turn_started' && event.turn === turn);
    if (known !== undefined && begin() === null) {
      it.drawnFrom.value = known.id;
      await new Promise(requestAnimationFrame);
    }
    for (let page = 0; begin() === null && it.terminal.peek().hasOlder && page < 5; page++) {
      const oldest = it.terminal.peek().events[0]?.turn;
      if (typeof oldest === 'number' && oldest < turn) break;
      await it.older();
      it.drawnFrom.value = it.terminal.peek().events[0]?.id ?? 0;
      await new Promise(requestAnimationFrame);
    }
    const at = begin();
    if (log == null || at === null) {
      go(`/agents/${name}/turns/${turn}`);
      return;
    }
    log.scrollTop += at.getBoundingClientRect().top - log.getBoundingClientRect().top;
    at.tabIndex = -1;
    at.focus({ preventScroll: true });
  };
  return (
    <div ref={root} class="live">
      <Terminal name={name} it={it} />
      <div class="live-side" tabIndex={0} role="region" aria-label={`Turns and loose ends of ${name}`}>
        <h2>
          <Label text="TURNS" />
        </h2>
        <TurnList name={name} onJump={(turn) => void jump(turn)} />
        <AgentLoose name={name} />
        <AgentRefused agent={agent} />
      </div>
    </div>
  );
}
