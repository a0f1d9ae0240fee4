import { Label } from '../../ui/label';
import { isOpen, togglePanel } from '../../ui/panel';

/** Opens an agent's log beside the page. */
export function LogsButton({ name }: { name: string }) {
  const key = `log:${name}`;
  return (
    <button
      type="button"
      class="act"
      aria-label={`Logs of ${name}`}
      aria-expanded={isOpen(key)}
      onClick={() => togglePanel(key)}
    >
      <Label text="↳ L0GS" />
    </button>
  );
}
