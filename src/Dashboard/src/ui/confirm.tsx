import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Leet } from './leet';

export interface Question {
  title: string;
  text: string;
  /** The label of the button that confirms; the other one always says LEAVE. */
  yes: string;
}

/** No action has this label: the two buttons of a dialog must not be confused. */
export const LEAVE = '‹ B4CK';

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
  const dialog = useRef<HTMLDialogElement>(null);
  const open = asked.value;
  useEffect(() => {
    if (open !== null) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="confirm"
      aria-labelledby="confirm-title"
      aria-describedby="confirm-text"
      onCancel={() => open?.answer(false)}
    >
      <h2 id="confirm-title">{open?.question.title}</h2>
      <p id="confirm-text">{open?.question.text}</p>
      <div class="buttons">
        <button type="button" class="act" aria-label="No, go back" onClick={() => open?.answer(false)}>
          <Leet text={LEAVE} />
        </button>
        <button type="button" class="act bad solid" aria-label="Yes, do it" onClick={() => open?.answer(true)}>
          <Leet text={open?.question.yes ?? ''} />
        </button>
      </div>
    </dialog>
  );
}
