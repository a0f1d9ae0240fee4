import { signal } from '@preact/signals';
import { useKey } from '../ui/keys';
import { Shown } from '../ui/later';
import { Part } from '../ui/part';
import { asked } from '../ui/registry';
import { contributeCommands } from './contributions';

const open = signal(false);

/** Fetched after the first view, which does not need it. */
export const paletteView = new Part(async () => {
  const [view, { commandFiles }] = await Promise.all([import('./palette-view'), import('./commands')]);
  contributeCommands(commandFiles);
  return view.PaletteView;
});

const close = () => {
  open.value = false;
  asked.value = null;
};

/** Searches everything on the page and does every action; also asks for what was asked of it elsewhere. */
export function Palette() {
  useKey(
    'palette',
    () => {
      open.value = true;
    },
    true,
    'shell',
  );
  const first = asked.value;
  return open.value || first !== null ? <Shown view={paletteView} props={{ first, close }} what="the palette" /> : null;
}
