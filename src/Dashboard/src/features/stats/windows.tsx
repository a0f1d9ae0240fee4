import type { Window } from './figures';
import { WINDOWS } from './figures';

/** How far back to look. */
export function Windows({ shown, onChoose }: { shown: Window; onChoose: (window: Window) => void }) {
  return (
    <div class="chips windows feature-stats" role="group" aria-label="How far back">
      {WINDOWS.map((window) => (
        <button
          key={window}
          type="button"
          class={`chip ${window === shown ? 'chosen' : ''}`}
          aria-pressed={window === shown}
          onClick={() => onChoose(window)}
        >
          {window}
        </button>
      ))}
    </div>
  );
}
