import { signal } from '@preact/signals';
import { Modal } from './modal';

export interface Question {
  title: string;
  text: string;
  /** The button that does it: the verb and its object, such as "Purge alice for good". */
  yes: string;
  /** The button that leaves it: what stays, such as "Keep alice". */
  no: string;
}

const asked = signal<{ question: Question; answer: (yes: boolean) => void } | null>(null);

/** Asks once before something that cannot be undone. */
export function confirmed(question: Question): Promise<boolean> {
  asked.value?.answer(false);
  return new Promise((resolve) => {
    asked.value = {
      question,
      answer: (yes) => {
        asked.value = null;
        resolve(yes);
      },
    };
  });
}

export function Confirm() {
  const open = asked.value;
  if (open === null) return null;
  const { title, text, yes, no } = open.question;
  return (
    <Modal label={title} class="confirm" onClose={() => open.answer(false)}>
      <h2>{title}</h2>
      <p>{text}</p>
      <div class="buttons">
        <button type="button" class="act" autofocus onClick={() => open.answer(false)}>
          {no}
        </button>
        <button type="button" class="act bad solid apart" onClick={() => open.answer(true)}>
          {yes}
        </button>
      </div>
    </Modal>
  );
}
