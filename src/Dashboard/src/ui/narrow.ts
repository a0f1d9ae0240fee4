import { signal } from '@preact/signals';

const phone = matchMedia('(max-width: 699px)');

/** Whether the page is as narrow as a phone: a list and its details are two steps. */
export const isNarrow = signal(phone.matches);

phone.addEventListener?.('change', ({ matches }) => {
  isNarrow.value = matches;
});
