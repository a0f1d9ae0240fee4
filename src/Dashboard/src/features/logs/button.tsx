import { isBeside, toggle } from '../../ui/beside';
import { Leet } from '../../ui/leet';
import { Logs } from './drawer';

/** Opens an agent's log beside the page. */
export function LogsButton({ name }: { name: string }) {
  const key = `logs ${name}`;
  return (
    <button
      type="button"
      class="act"
      aria-label={`Logs of ${name}`}
      aria-expanded={isBeside(key)}
      onClick={() => toggle({ key, view: () => <Logs name={name} /> })}
    >
      <Leet text="↳ L0GS" />
    </button>
  );
}
