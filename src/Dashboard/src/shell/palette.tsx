import { signal } from '@preact/signals';
import { useKey } from '../ui/keys';
import { Shown } from '../ui/later';
import { Part } from '../ui/part';

const open = signal(false);

/** Fetched after the first view, which does not need it. */
export const paletteView = new Part(async () => (await import('./palette-view')).PaletteView);

const close = () => {
  open.value = false;
};

/** Opens and closes the palette. */
export function Palette() {
  useKey(
    'palette',
    () => {
      open.value = true;
    },
    true,
    'shell',
  );
  return open.value ? <Shown view={paletteView} props={{ close }} what="the palette" /> : null;
}
