import { useState } from 'preact/hooks';
import { Fault } from '../../ui/fault';
import { Label } from '../../ui/label';
import { Modal } from '../../ui/modal';
import { Submit } from '../../ui/submit';
import { choosing } from './snooze';

const two = (n: number): string => String(n).padStart(2, '0');

/** An instant as the browser's box for dates wants it, in the operator's time zone. */
const typed = (at: Date): string =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;

/** Asks for a time of the operator's own. */
export function OwnTime() {
  const put = choosing.value;
  return put === null ? null : <Asked put={put} />;
}

function Asked({ put }: { put: NonNullable<typeof choosing.value> }) {
  const [text, setText] = useState(() => typed(new Date(Date.now() + 4 * 3_600_000)));
  const [fault, setFault] = useState<string | null>(null);
  const close = () => {
    choosing.value = null;
  };
  return (
    <Modal label="Snooze until" class="feature-waiting" onClose={close}>
      <form
        class="own-time"
        onSubmit={(e) => {
          e.preventDefault();
          const at = new Date(text);
          if (Number.isNaN(at.getTime())) return setFault('This is not a date and a time; choose both.');
          if (at.getTime() <= Date.now()) return setFault('This time is in the past; choose a later one.');
          close();
          put('◷ SN00Z3', at);
        }}
      >
        <label for="own-time">Bring it back at</label>
        <input
          id="own-time"
          class="field"
          type="datetime-local"
          value={text}
          aria-invalid={fault !== null}
          onInput={(e) => {
            setText(e.currentTarget.value);
            setFault(null);
          }}
        />
        <Fault error={fault} />
        <div class="buttons">
          <button type="button" class="act" onClick={close}>
            <Label text="‹ B4CK" />
          </button>
          <Submit label="◷ SN00Z3" plain="Snooze until then" tone="primary" busy={false} />
        </div>
      </form>
    </Modal>
  );
}
