import { signal } from '@preact/signals';
import { useKey } from '../../ui/keys';
import { Shown } from '../../ui/later';
import { Modal } from '../../ui/modal';
import { making } from './parts';

const open = signal(false);

function openMaking(): void {
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
      <Shown view={making} props={{ onMade: close, onLeave: close }} what="this form" />
    </Modal>
  );
}
