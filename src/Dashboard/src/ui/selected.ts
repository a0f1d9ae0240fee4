import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Agent } from '../api/types';
import { type Action, perform } from './action';
import type { WithText } from './registry';

/** The selected thing of the place that is shown, and its actions. */
export interface Selected {
  /** Its name, such as `question 12`. */
  name: string;
  actions: readonly Action[];
  texts?: readonly WithText[];
  /** Does an action; without this, it is only done. */
  act?: (action: Action) => Promise<boolean>;
  /** The agent that is selected: everything that can be done with an agent is offered. */
  agent?: Agent;
}

/** Those that tell what is selected, the latest last. */
const tellers: (() => Selected | null)[] = [];

/** Tells what is selected, while the component is there. */
export function useSelection(of: () => Selected | null): void {
  const latest = useRef(of);
  latest.current = of;
  useLayoutEffect(() => {
    const teller = () => latest.current();
    tellers.push(teller);
    return () => void tellers.splice(tellers.indexOf(teller), 1);
  }, []);
}

/** The selected thing; null where nothing is selected. */
export function selectedNow(): Selected | null {
  for (const teller of tellers.toReversed()) {
    const selected = teller();
    if (selected !== null) return selected;
  }
  return null;
}

/** Does an action with what is selected. */
export const act = ({ act: own }: Selected, action: Action): Promise<boolean> => (own ?? perform)(action);
