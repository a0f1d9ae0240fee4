import { address as path } from '../../ui/address';
import { useKey } from '../../ui/keys';
import { Shown } from '../../ui/later';
import { Part } from '../../ui/part';
import { ownBox, recipient, wantsFocus, writeTo, writing } from './recipient';

export const composeBox = new Part(async () => (await import('./compose-box')).Compose);

/** Whether the box is part of the place that is shown. */
const isPlaces = (): boolean => path.value === '/messages' || path.value.startsWith('/messages/');

/** The box for a message to anybody: always at the messages, elsewhere while it is open. */
export function ComposeBar() {
  useKey(
    'write',
    () => {
      if (ownBox.peek() !== null) writeTo(ownBox.peek() ?? '');
      else {
        writing.value = true;
        wantsFocus.value++;
      }
    },
    true,
    'shell',
  );
  const places = isPlaces();
  // An agent's place has its own box for messages to it.
  return places || (writing.value && recipient.value !== ownBox.value) ? (
    <Shown view={composeBox} props={{ places }} what="the box to write in" />
  ) : null;
}
