import { signal } from '@preact/signals';
import { useKey } from '../../ui/keys';
import { Modal } from '../../ui/modal';
import { MakeAgent } from './make';

const open = signal(false);

/** Opens the form that makes an agent. */
export function openMaking(): void {
  open.value = true;
}

const close = () => {
  open.value = false;
};

/** The form that makes an agent, over any place. */
export function MakeAgentDialog() {
  useKey('new-agent', openMaking, true, 'shell');
  if (!open.value) return null;
  return (
    <Modal label="Make an agent" class="feature-start making" onClose={close}>
      <h2>Make an agent</h2>
      <MakeAgent onMade={close} onLeave={close} />
    </Modal>
  );
}
