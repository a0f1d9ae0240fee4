import { options } from 'preact';
import { visible } from './text/visible';

/** Attributes whose text is shown or read out. */
const SHOWN = ['title', 'aria-label', 'placeholder'];

/**
 * Writes out the invisible characters in every text of the page, wherever it is drawn: no component has
 * to do it itself. Text that is being typed is left alone. The style sheet (unicode-bidi) keeps each text apart
 * from the text beside it.
 */
export function showUnseen(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    // Preact makes a node of its own, without a type, of every text.
    const node = vnode as { type: unknown; props: unknown };
    if (node.type === null && typeof node.props === 'string') node.props = visible(node.props);
    else if (typeof node.type === 'string') {
      const props = node.props as Record<string, unknown>;
      for (const name of SHOWN) if (typeof props[name] === 'string') props[name] = visible(props[name]);
    }
    before?.(vnode);
  };
}
