import { Component, type ComponentType, h } from 'preact';

function isSame<P extends object>(before: P, after: P): boolean {
  const names = Object.keys(after) as (keyof P)[];
  return names.length === Object.keys(before).length && names.every((name) => before[name] === after[name]);
}

/**
 * A component that is drawn again with other properties only. `preact/compat` has the same, but goes through every
 * element of the page as soon as it is loaded.
 */
export function memo<P extends object>(
  View: ComponentType<P>,
  same: (before: P, after: P) => boolean = isSame,
): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props, next);
    }

    override render(props: P) {
      return h(View, props);
    }
  };
}
